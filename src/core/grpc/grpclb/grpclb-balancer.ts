import { type ChannelOptions, connectivityState, experimental, Metadata, status } from '@grpc/grpc-js'
import { asFairleadError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { BalancerLink } from './balancer-link.js'
import { CallStats } from './call-stats.js'
import { GRPCLB, GrpclbConfig } from './config.js'
import { EachServer } from './each-server.js'
import { Fallback, type Mode } from './fallback.js'
import { FallbackServers } from './fallback-servers.js'
import { FirstServer } from './first-server.js'
import { ListPicker, type Turns } from './list-picker.js'
import type { ListedServers } from './listed-servers.js'
import { type ListEntry, sameList } from './server-list.js'
import { grpclbTarget, type GrpclbTarget } from './target.js'

/** How long to wait for the first list before the channel's own addresses are used, milliseconds. */
const FALLBACK_TIMEOUT_OPTION = 'grpc.grpclb_fallback_timeout_ms'
const DEFAULT_FALLBACK_TIMEOUT_MS = 10_000

/**
 * The policy `grpclb`: sends calls where a lookaside balancer says, and to the channel's own addresses while none says anything. Calls wait
 * before the first list, while a list is empty, and while its servers are being connected to; they fail where none can be.
 */
export class GrpclbBalancer implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper
  readonly #runtime: Runtime
  readonly #stats = new CallStats()
  readonly #fallback = new Fallback()
  #options: ChannelOptions = {}
  #config: GrpclbConfig | undefined
  #own: readonly experimental.Endpoint[] = []
  #note = ''
  /** Whom the balancers are asked for; empty: nobody said. */
  #name = ''
  #link: BalancerLink | undefined
  #cancelTimer: (() => void) | undefined
  /** What the last list said, and whose turn is next in it. */
  #list: readonly ListEntry[] | undefined
  #turns: Turns = { entry: 0, server: 0 }
  #listed: ListedServers | undefined
  #fallbackServers: FallbackServers | undefined
  #mode: Mode = 'waiting'
  /** Why there is no list, last. */
  #trouble = 'none came in time'
  /** Whether connections are being changed: what becomes of them is told once. */
  #isConnecting = false
  #isClosed = false

  constructor(helper: experimental.ChannelControlHelper, runtime: Runtime) {
    this.#helper = helper
    this.#runtime = runtime
  }

  /** Always accepts: grpc-js lets calls hang on a channel whose policy refused what was resolved first. */
  updateAddressList(
    endpoints: experimental.StatusOr<experimental.Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!(config instanceof GrpclbConfig)) return false
    if (!endpoints.ok) {
      // What was resolved before still counts.
      if (!this.#config) this.#fail(endpoints.error.details)
      return true
    }
    const hasOtherChild = this.#config !== undefined && this.#config.usesFirst !== config.usesFirst
    this.#config = config
    this.#options = options
    this.#own = endpoints.value
    this.#note = note
    const target = this.#targetOf(config, options)
    this.#name = target.name ?? ''
    this.#fallback.resolved(target.balancers.length, this.#own.length)
    if (hasOtherChild) this.#dropListed()
    this.#follow(target)
    this.#settle()
    return true
  }

  exitIdle(): void {
    this.#listed?.wake()
    this.#fallbackServers?.exitIdle()
  }

  resetBackoff(): void {
    this.#fallbackServers?.resetBackoff()
  }

  destroy(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#link?.close()
    this.#dropListed()
    this.#dropFallback()
  }

  getTypeName(): string {
    return GRPCLB
  }

  #targetOf(config: GrpclbConfig, options: ChannelOptions): GrpclbTarget {
    try {
      return grpclbTarget(options, config.serviceName)
    } catch (error) {
      this.#runtime.log.warn('the lookaside balancers of a channel cannot be used', {
        error: asFairleadError(error).message,
      })
      return { name: undefined, balancers: [] }
    }
  }

  #follow(target: GrpclbTarget): void {
    if (target.balancers.length === 0) {
      this.#link?.close()
      this.#link = undefined
      return
    }
    this.#link ??= this.#newLink()
    this.#link.update(target, this.#options)
  }

  #newLink(): BalancerLink {
    this.#cancelTimer?.()
    const timeoutMs = (this.#options[FALLBACK_TIMEOUT_OPTION] as number | undefined) ?? DEFAULT_FALLBACK_TIMEOUT_MS
    const giveUpWaiting = () => this.#consider(() => this.#fallback.timedOut())
    this.#cancelTimer = this.#runtime.clock.after(timeoutMs, giveUpWaiting, { keepAlive: false })
    return new BalancerLink(this.#helper, this.#stats, this.#runtime, {
      connected: () => this.#fallback.connected(),
      list: (entries) => this.#takeList(entries),
      fallback: () => this.#consider(() => this.#fallback.asked(), 'the balancer asks to do without it'),
      lost: (reason) => this.#consider(() => this.#fallback.lost(), reason),
      unreachable: (reason) => this.#consider(() => this.#fallback.unreachable(), reason),
    })
  }

  #takeList(entries: readonly ListEntry[]): void {
    this.#cancelTimer?.()
    if (this.#mode === 'list' && this.#list && sameList(entries, this.#list)) return
    this.#list = entries
    // Clients that all begin with the first entry would all call the same server first.
    const start = () => Math.floor(this.#runtime.random.next() * entries.length)
    this.#turns = { entry: start(), server: start() }
    this.#fallback.listed()
    this.#settle()
  }

  #consider(change: () => void, trouble = this.#trouble): void {
    if (this.#isClosed) return
    this.#trouble = trouble
    change()
    if (this.#fallback.mode !== this.#mode) this.#settle()
  }

  /** Does what the mode asks for. */
  #settle(): void {
    const { mode } = this.#fallback
    if (mode !== this.#mode)
      this.#runtime.log.info('a gRPC channel goes by another list', { from: this.#mode, to: mode })
    this.#mode = mode
    if (mode === 'fallback') return this.#fallBack()
    this.#dropFallback()
    if (mode === 'list') this.#connect()
    this.#publish()
  }

  #fallBack(): void {
    this.#dropListed()
    // Where the same list comes again, it ends the fallback.
    this.#list = undefined
    if (this.#link && this.#own.length === 0) {
      this.#dropFallback()
      return this.#fail(
        `no list from a lookaside balancer${this.#name && ` of ${this.#name}`}, and no servers to fall back to: ${this.#trouble}`,
      )
    }
    this.#fallbackServers ??= new FallbackServers(this.#helper)
    this.#fallbackServers.update(this.#own, this.#config!, this.#options, this.#note)
  }

  #connect(): void {
    if (!this.#listed) {
      const Servers = this.#config!.usesFirst ? FirstServer : EachServer
      this.#listed = new Servers(this.#helper, (lost) => this.#serversChanged(lost))
    }
    this.#isConnecting = true
    this.#listed.update(this.#list!, this.#options)
    this.#isConnecting = false
  }

  #serversChanged(lost: boolean): void {
    if (this.#isConnecting || this.#mode !== 'list') return
    if (lost) this.#helper.requestReresolution()
    this.#publish()
  }

  #dropListed(): void {
    this.#listed?.close()
    this.#listed = undefined
  }

  #dropFallback(): void {
    this.#fallbackServers?.destroy()
    this.#fallbackServers = undefined
  }

  /** Tells the channel how calls go now, unless that is the fallback's to tell. */
  #publish(): void {
    const listed = this.#listed
    if (!listed) return this.#tell(connectivityState.CONNECTING, new experimental.QueuePicker(this))
    const { state, lastError } = listed
    this.#fallback.ready(state === connectivityState.READY)
    if (this.#fallback.mode !== this.#mode) return this.#settle()
    const list = this.#list!
    const ready = listed.ready()
    const isAllDrops = list.length > 0 && list.every(({ drop }) => drop)
    if (ready.length > 0 || isAllDrops) {
      return this.#tell(connectivityState.READY, new ListPicker(list, ready, this.#turns, this.#stats))
    }
    if (state === connectivityState.TRANSIENT_FAILURE) {
      return this.#fail(`no server of the lookaside balancer's list can be reached: ${lastError ?? 'not connected'}`)
    }
    this.#tell(state, new experimental.QueuePicker(this))
  }

  /** Has calls fail that do not rather wait. */
  #fail(details: string): void {
    const picker = new experimental.UnavailablePicker({ code: status.UNAVAILABLE, details, metadata: new Metadata() })
    this.#tell(connectivityState.TRANSIENT_FAILURE, picker, details)
  }

  #tell(state: connectivityState, picker: experimental.Picker, error: string | null = null): void {
    if (!this.#isClosed) this.#helper.updateState(state, picker, error)
  }
}
