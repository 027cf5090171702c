import { sanitize } from '../../cli/sanitize.js'
import type { RegistryEvent } from '../../core/discovery/registry-event.js'
import type { RegistryResolver } from '../../core/discovery/resolver.js'
import type { FairleadError } from '../../core/errors.js'
import { checkEndpoint, type CheckRules, type ProbeEndpoint } from '../../core/health/active/endpoint-check.js'
import { Gate } from '../../core/health/active/gate.js'
import { probe } from '../../core/health/probe.js'
import { StallGuard } from '../../core/health/stall-guard.js'
import { byAddress } from '../../core/model/order.js'
import type { Registered } from '../../core/registry/record.js'
import type { Runtime } from '../../core/runtime.js'
import type { EventLine, Section, SourceStatus } from '../board.js'
import type { BoardStore } from '../board-store.js'
import type { Change } from '../keys.js'
import type { Source } from '../source.js'
import { expectedByWeight } from './expected.js'
import { FollowedEndpoint } from './followed-endpoint.js'

/** Checks under way at a time. */
const CHECKS_AT_ONCE = 64
/** Ages grow between events too: a new section so often, milliseconds. */
const REFRESH_MS = 1000

export interface RegistrySourceOptions {
  readonly service: string
  readonly resolver: RegistryResolver
  readonly checks: CheckRules
  readonly store: BoardStore
  readonly runtime: Runtime
  /** Writes a change to the registry. */
  readonly change: (change: Change, signal: AbortSignal) => Promise<unknown>
}

/** Follows one service in the registry, without a proxy, and checks its endpoints itself. */
export class RegistrySource implements Source {
  readonly name: string
  readonly ready: Promise<void>
  readonly #options: RegistrySourceOptions
  readonly #stop = new AbortController()
  readonly #stall: StallGuard
  readonly #gate = new Gate(CHECKS_AT_ONCE)
  readonly #endpoints = new Map<string, FollowedEndpoint>()
  readonly #checks = new Map<string, AbortController>()
  #isKnown = false
  #revision = ''
  #stale: { readonly since: number; readonly reason: string } | undefined
  #told = 0
  #cancelRefresh = () => {}

  constructor(options: RegistrySourceOptions) {
    this.#options = options
    this.name = `registry: ${options.service}`
    this.#stall = new StallGuard(options.runtime.clock)
    this.#stall.start()
    options.store.put(this.#status, [])
    this.ready = new Promise((resolve, reject) => void this.#follow(resolve, reject))
    this.ready.catch(() => {})
  }

  async change(change: Change): Promise<void> {
    await this.#options.change(change, this.#stop.signal)
  }

  close(): void {
    this.#stop.abort()
    this.#cancelRefresh()
    this.#stall.close()
    for (const checks of this.#checks.values()) checks.abort()
    this.#options.store.remove(this.name)
  }

  async #follow(known: () => void, failed: (error: FairleadError) => void): Promise<void> {
    const { resolver, service } = this.#options
    for await (const event of resolver.events(service, this.#stop.signal)) {
      this.#take(event)
      this.#show()
      if (this.#isKnown) known()
      else if (event.type === 'stale') failed(event.error)
    }
  }

  #take(event: RegistryEvent): void {
    this.#revision = String(event.revision)
    switch (event.type) {
      case 'snapshot':
        return this.#replace(event.services.flatMap(({ records }) => records))
      case 'put':
        return this.#put(event.record, true)
      case 'delete':
        this.#remove(event.record.endpoint.address)
        return this.#tell('left', 'resting', event.record.endpoint.address, event.reason)
      case 'stale': {
        const reason = sanitize(event.error.message)
        this.#stale = { since: event.since, reason }
        return this.#tell('stale', 'bad', this.#options.service, `goes on with what was known: ${reason}`)
      }
      case 'live':
        if (this.#stale) this.#tell('live', 'good', this.#options.service, 'the registry is there again')
        this.#stale = undefined
        return
    }
  }

  /** All there is: what was known before is not told again. */
  #replace(records: readonly Registered[]): void {
    const addresses = new Set(records.map(({ endpoint }) => endpoint.address))
    for (const address of this.#endpoints.keys()) if (!addresses.has(address)) this.#remove(address)
    for (const record of records) this.#put(record, false)
    this.#isKnown = true
  }

  #put(record: Registered, told: boolean): void {
    const { address, weight, state, zone } = record.endpoint
    const now = this.#options.runtime.clock.now()
    const known = this.#endpoints.get(address)
    if (!known) {
      const endpoint = new FollowedEndpoint(record, now)
      this.#endpoints.set(address, endpoint)
      this.#check(address, endpoint)
      const place = `weight ${weight}${zone === undefined ? '' : `, zone ${sanitize(zone)}`}`
      if (told) this.#tell('joined', 'good', address, place)
      return
    }
    const before = known.record.endpoint
    known.describe(record, now)
    if (before.role !== record.endpoint.role) this.#check(address, known)
    const changes = [
      ...(before.weight === weight ? [] : [`weight ${before.weight} -> ${weight}`]),
      ...(before.state === state ? [] : [`${before.state} -> ${state}`]),
    ]
    if (told && changes.length > 0) this.#tell('changed', 'neutral', address, changes.join(', '))
  }

  #remove(address: string): void {
    this.#endpoints.delete(address)
    this.#checks.get(address)?.abort()
    this.#checks.delete(address)
  }

  /** Begins to check it; balancers are not checked. */
  #check(address: string, endpoint: FollowedEndpoint): void {
    const { checks, runtime } = this.#options
    this.#checks.get(address)?.abort()
    if (endpoint.record.endpoint.role === 'balancer') return
    const stop = new AbortController()
    this.#checks.set(address, stop)
    const { clock } = runtime
    const timed: ProbeEndpoint = async (check, target, timeoutMs, signal) => {
      const begun = clock.now()
      const reason = await probe(check, target, timeoutMs, clock, signal)
      if (!signal.aborted) endpoint.checked(clock.now() - begun, reason)
      return reason
    }
    const room = { runtime, gate: this.#gate, stall: this.#stall, probe: timed }
    void checkEndpoint(endpoint.record.endpoint, checks, room, stop.signal, (healthy, reason) => {
      const isFirst = !endpoint.isJudged
      endpoint.judged(healthy, reason, clock.now())
      if (!healthy) this.#tell('unhealthy', 'bad', address, sanitize(reason))
      else if (!isFirst) this.#tell('healthy', 'good', address, 'passes its checks again')
      this.#show()
    })
  }

  #show(): void {
    const { clock } = this.#options.runtime
    this.#cancelRefresh()
    if (this.#stop.signal.aborted) return
    this.#options.store.put(this.#status, this.#isKnown ? [this.#section()] : [])
    this.#cancelRefresh = clock.after(REFRESH_MS, () => this.#show(), { keepAlive: false })
  }

  #section(): Section {
    const { service, runtime } = this.#options
    const now = runtime.clock.now()
    const key = this.name
    const endpoints = [...this.#endpoints.values()].sort((a, b) => byAddress(a.record.endpoint, b.record.endpoint))
    const expected = expectedByWeight(endpoints)
    const servers = endpoints.filter(({ record }) => record.endpoint.role === 'server')
    return {
      key,
      source: this.#status,
      service,
      listen: '',
      policy: '',
      registry: this.#stale ? 'stale' : 'live',
      revision: this.#revision,
      staleMs: this.#stale ? now - this.#stale.since : 0,
      staleReason: this.#stale?.reason ?? '',
      traffic: undefined,
      eligible: servers.filter(({ isUsable }) => isUsable).length,
      total: servers.length,
      warnings: [],
      changeable: true,
      rows: endpoints.map((endpoint, i) => endpoint.row(key, expected[i]!, now)),
    }
  }

  get #status(): SourceStatus {
    return { name: this.name, state: this.#isKnown ? 'live' : 'connecting', reason: '' }
  }

  #tell(word: string, tone: EventLine['tone'], subject: string, text: string): void {
    const { store, runtime } = this.#options
    store.tell({ key: `${this.name} ${this.#told++}`, at: runtime.clock.wall(), word, tone, subject, text })
  }
}
