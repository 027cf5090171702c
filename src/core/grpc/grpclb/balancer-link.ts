import { isIP } from 'node:net'
import { type ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js'
import { formatHostPort } from '../../model/address.js'
import type { Runtime } from '../../runtime.js'
import { Leaf } from '../policy/leaf.js'
import { BalancerStream, type StreamEnd } from './balancer-stream.js'
import type { CallStats } from './call-stats.js'
import { Reconnect } from './reconnect.js'
import type { ListEntry } from './server-list.js'
import type { BalancerAddress, GrpclbTarget } from './target.js'

/** Hears what comes of the balancers. */
export interface BalancerLinkEvents {
  /** A stream has begun. */
  connected(): void
  list(entries: readonly ListEntry[]): void
  fallback(): void
  /** The stream has ended. Another one is on its way. */
  lost(reason: string): void
  /** None of the balancers can be connected to. More attempts are made. */
  unreachable(reason: string): void
}

/** A connection that is lost without a word is noticed within half a minute, as in other gRPC clients. */
const KEEPALIVE: ChannelOptions = {
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
}

/** The name that a TLS server proves, where it is another than the target's. */
const VERIFIED_NAME = 'grpc.ssl_target_name_override'

/**
 * Keeps one stream to one of the balancers: the first that can be connected to (`pick_first`). When it ends, the next one is begun, to
 * whichever balancer can be had then.
 */
export class BalancerLink {
  readonly #helper: experimental.ChannelControlHelper
  readonly #stats: CallStats
  readonly #runtime: Runtime
  readonly #events: BalancerLinkEvents
  readonly #reconnect: Reconnect
  #name = ''
  #balancers: readonly BalancerAddress[] = []
  #leaf: Leaf | undefined
  #stream: BalancerStream | undefined
  /** Whether a stream is to be begun as soon as there is a connection. */
  #isDue = true
  #cancelTimer = () => {}
  #isClosed = false

  constructor(
    helper: experimental.ChannelControlHelper,
    stats: CallStats,
    runtime: Runtime,
    events: BalancerLinkEvents,
  ) {
    this.#helper = verifyingHosts(helper)
    this.#stats = stats
    this.#runtime = runtime
    this.#events = events
    this.#reconnect = new Reconnect(runtime.random)
  }

  /** Goes to these balancers from now on. A stream to one of them stays, unless it asked for something else. */
  update({ name = '', balancers }: GrpclbTarget, options: ChannelOptions): void {
    const isRenamed = name !== this.#name
    this.#name = name
    if (!sameBalancers(balancers, this.#balancers)) this.#connectTo(balancers, options)
    if (isRenamed && this.#stream) this.#askAnew()
  }

  /** Idempotent. Nothing is heard afterwards. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer()
    this.#stream?.close()
    this.#stream = undefined
    this.#leaf?.close()
  }

  #connectTo(balancers: readonly BalancerAddress[], options: ChannelOptions): void {
    const connected = this.#leaf?.subchannel?.getAddress()
    this.#balancers = balancers
    const endpoint = { addresses: balancers.map(({ host, port }) => ({ host, port })) }
    const args = { ...options, ...KEEPALIVE }
    if (this.#leaf && balancers.some((balancer) => addressOf(balancer) === connected)) {
      return this.#leaf.update(endpoint, args)
    }
    // A stream to a balancer that is none any more ends with its connection, and the next one is due at once.
    const hadStream = this.#stream !== undefined
    this.#stream?.close()
    this.#stream = undefined
    this.#leaf?.close()
    this.#leaf = new Leaf(endpoint, this.#helper, args, 'lookaside balancers', () => this.#changed())
    if (hadStream) this.#events.lost('the balancer is none any more')
    this.#cancelTimer()
    this.#isDue = true
    this.#leaf.connect()
  }

  #changed(): void {
    const leaf = this.#leaf!
    if (leaf.state === connectivityState.TRANSIENT_FAILURE) this.#events.unreachable(leaf.lastError ?? '')
    // grpc-js tells that a connection is there a moment before calls can be made on it.
    queueMicrotask(() => this.#pursue())
  }

  /** Replaces a stream that asked for another service. */
  #askAnew(): void {
    this.#stream!.close()
    this.#stream = undefined
    this.#isDue = true
    this.#pursue()
  }

  /** Begins a stream if one is due and there is a connection. */
  #pursue(): void {
    if (this.#isClosed || this.#stream || !this.#isDue) return
    if (this.#leaf!.state === connectivityState.IDLE) this.#leaf!.wake()
    else if (this.#leaf!.state === connectivityState.READY) this.#begin()
  }

  #begin(): void {
    this.#isDue = false
    const subchannel = this.#leaf!.subchannel!
    const request = { name: this.#name, authority: subchannel.getAddress() }
    this.#events.connected()
    let hasEnded = false
    const stream = new BalancerStream(subchannel, request, this.#stats, this.#runtime.clock, {
      list: (entries) => this.#events.list(entries),
      fallback: () => this.#events.fallback(),
      ended: (end) => {
        hasEnded = true
        this.#ended(end)
      },
    })
    this.#stream = hasEnded ? undefined : stream
  }

  #ended({ isAnswered, livedMs, reason }: StreamEnd): void {
    this.#stream = undefined
    this.#runtime.log.info('the stream to a lookaside balancer has ended', { service: this.#name, reason })
    const delay = this.#reconnect.delayAfter(isAnswered, livedMs)
    this.#cancelTimer = this.#runtime.clock.after(
      delay,
      () => {
        this.#isDue = true
        this.#pursue()
      },
      { keepAlive: false },
    )
    this.#events.lost(reason)
    this.#helper.requestReresolution()
  }
}

/**
 * With TLS a balancer that is named by a host name proves that one, as others that are found by name do; one that is named by an IP
 * address proves what the channel's servers do. What the channel's options say goes before both.
 */
function verifyingHosts(helper: experimental.ChannelControlHelper): experimental.ChannelControlHelper {
  return experimental.createChildChannelControlHelper(helper, {
    createSubchannel: (address, args) => {
      const host = 'host' in address && isIP(address.host) === 0 ? address.host : undefined
      return helper.createSubchannel(address, host === undefined ? args : { [VERIFIED_NAME]: host, ...args })
    },
  })
}

function sameBalancers(a: readonly BalancerAddress[], b: readonly BalancerAddress[]): boolean {
  return a.length === b.length && a.every((balancer, i) => addressOf(balancer) === addressOf(b[i]!))
}

function addressOf({ host, port }: BalancerAddress): string {
  return formatHostPort(host, port)
}
