import type { Balancer } from '../balancer/contract.js'
import type { PolicyChoice } from '../balancer/service-config.js'
import type { Fault } from '../balancer/upstream.js'
import { sameEndpoint } from '../discovery/same-endpoint.js'
import { createStaticResolver } from '../discovery/static-resolver.js'
import type { Resolver } from '../discovery/resolution.js'
import { FairleadError, isRefusal } from '../errors.js'
import type { Gate } from '../health/active/gate.js'
import { type HealthChange, HealthMonitor } from '../health/monitor.js'
import type { StallGuard } from '../health/stall-guard.js'
import { type Endpoint, isReadyServer } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import { type Runtime, sleep } from '../runtime.js'
import { Admission, type AdmissionOwner } from './admission/admission.js'
import type { Client } from './admission/client.js'
import { Door } from './door.js'
import { endpointProbe } from './endpoint-probe.js'
import { ErrorReports } from './error-reports.js'
import type { ListenerState, ProxyEvent } from './events.js'
import { formatListen, type Listen, targetName } from './listen.js'
import { ListenerMeter, type ListenerStats } from './meters.js'
import type { ProxyDependencies } from './options.js'
import { ServiceFeed } from './service-feed.js'
import type { ConnectionService } from './service/connection-service.js'
import type { ServiceContext, Trouble } from './service/context.js'
import { createService } from './service/create.js'
import type { Settings } from './settings.js'
import type { ProxyTls } from './tls/proxy-tls.js'
import type { Ticker } from './ticker.js'
import type { Flusher } from './transport/flusher.js'
import type { AcceptObserver, Transport, Wire } from './transport/transport.js'
import type { UpstreamGuard } from './upstream-guard.js'

/** How long opening waits for the first word from the registry before it listens without. */
const FIRST_WORD_MS = 2000

/** What the listeners of one proxy share. Replaced as a whole when the configuration changes; only settings, TLS and policy do. */
export interface Shared {
  readonly transport: Transport
  readonly guard: UpstreamGuard
  readonly ticker: Ticker
  readonly flusher: Flusher
  readonly settings: Settings
  readonly tls: ProxyTls
  /** Wins over what services say. */
  readonly policy: PolicyChoice | undefined
  readonly dependencies: ProxyDependencies
  readonly runtime: Runtime
  /** Bounds the health checks under way. */
  readonly checkGate: Gate
  readonly stall: StallGuard
  emit(event: ProxyEvent): void
  /** A connection of some listener ended. */
  connectionClosed(): void
}

/** One listening address, the endpoints behind it, and the service that joins them. */
export class Listener implements AcceptObserver, AdmissionOwner, ServiceContext {
  readonly transport: Transport
  readonly guard: UpstreamGuard
  readonly ticker: Ticker
  readonly flusher: Flusher
  readonly runtime: Runtime
  readonly balancer: Balancer
  readonly meter = new ListenerMeter()
  readonly service: string
  /** `scheme://host:port`; the port asked for until the listener is open. */
  listen: string
  readonly spec: Listen
  #shared: Shared
  readonly #errors: ErrorReports
  readonly #health: HealthMonitor
  /** What was found out about endpoints before this listener was introduced. */
  readonly #foundEarly: HealthChange[] = []
  readonly #ended = new AbortController()
  readonly #feed: ServiceFeed
  readonly #arriving = new Set<Admission>()
  readonly #connections: ConnectionService
  #door: Door | undefined
  #introduced = false
  #toldPolicy: string
  /** Why the registry is away; undefined while it is there. */
  #staleError: FairleadError | undefined

  constructor(spec: Listen, shared: Shared) {
    this.spec = spec
    this.#shared = shared
    this.transport = shared.transport
    this.guard = shared.guard
    this.ticker = shared.ticker
    this.flusher = shared.flusher
    this.runtime = shared.runtime
    this.service = targetName(spec.target)
    this.listen = this.#formatListen(spec.listen.host, spec.listen.port)
    this.balancer = shared.dependencies.createBalancer()
    if (shared.policy) this.balancer.setPolicy(shared.policy)
    const { runtime, checkGate: gate, stall } = shared
    const room = { runtime, gate, stall, probe: endpointProbe(this, runtime.clock) }
    this.#health = new HealthMonitor(shared.settings.health, this.balancer, room, (change) => this.#tellHealth(change))
    this.#toldPolicy = this.balancer.status().policy
    this.#connections = createService(spec.listen.scheme, this)
    this.#errors = new ErrorReports(this.runtime.clock, ({ kind, address, reason }, count) => {
      const { listen, service } = this
      shared.emit({ event: 'connection_error', listen, service, kind, ...(address && { address }), reason, count })
    })
    const { signal } = this.#ended
    const resolutions = resolverOf(spec, shared.dependencies).resolve(this.service, signal)
    this.#feed = new ServiceFeed(resolutions, this.balancer, this.#feedObserver(), signal)
  }

  get settings(): Settings {
    return this.#shared.settings
  }

  get tls(): ProxyTls {
    return this.#shared.tls
  }

  /** Open connections. */
  get active(): number {
    return this.#arriving.size + this.#connections.active
  }

  /** Waits a moment for the first endpoints, so that the first client finds them. Rejects where the registry refuses. */
  async prepare(): Promise<void> {
    const waited = new AbortController()
    await Promise.race([this.#feed.first, sleep(this.runtime.clock, FIRST_WORD_MS, waited.signal).catch(() => {})])
    waited.abort()
    if (this.#feed.snapshot === undefined && this.#staleError && isRefusal(this.#staleError)) throw this.#staleError
  }

  /** Binds the address and begins to accept. */
  async open(): Promise<void> {
    const { host, port } = this.spec.listen
    const door = await Door.open(this.transport, host, port, this)
    if (this.#ended.signal.aborted) return door.close()
    this.#enter(door)
  }

  /** Accepts in the place of `other`, without a gap. Open connections stay with `other`. */
  takeOver(other: Listener): void {
    const door = other.#leave()
    if (!door) return
    door.passTo(this)
    this.#enter(door)
  }

  /** Goes by another configuration from now on. */
  configure(shared: Shared): void {
    const { policy } = this.#shared
    this.#shared = shared
    this.#health.reconfigure(shared.settings.health)
    if (policy === shared.policy) return
    this.balancer.setPolicy(shared.policy)
    const state = this.#state()
    if (state.policy === this.#toldPolicy) return
    this.#toldPolicy = state.policy
    shared.emit({ event: 'endpoints', ...state })
  }

  accepted(wire: Wire): void {
    const { meter } = this
    if (meter.active >= this.settings.admission.maxConnections) {
      meter.limited++
      return wire.reset()
    }
    meter.total++
    meter.active++
    const admission = new Admission(wire, this, this)
    this.#arriving.add(admission)
    admission.start()
  }

  admitted(admission: Admission, wire: Wire, client: Client, early: Buffer): void {
    this.#arriving.delete(admission)
    this.#connections.accept(wire, { client, early, secure: false, alpn: '' })
  }

  turnedAway(admission: Admission): void {
    if (this.#arriving.delete(admission)) this.closed()
  }

  acceptFailed(error: Error): void {
    this.#errors.report({ kind: 'accept_failed', reason: error.message })
  }

  trouble(trouble: Trouble): void {
    if (trouble.kind === 'connect_failed' && this.spec.target.kind === 'service') {
      this.#shared.dependencies.resolver?.disprove(this.service, trouble.address)
    }
    const { kind, address, reason } = trouble
    this.#errors.report({ kind, reason, ...(address && { address }) })
  }

  closed(): void {
    this.meter.active--
    this.#shared.connectionClosed()
  }

  stats(): ListenerStats {
    const { listen, service } = this
    const { policy, panic, upstreams } = this.balancer.status()
    const faults = new Map<string, Fault>()
    for (const { upstream } of upstreams) if (upstream.fault) faults.set(upstream.endpoint.address, upstream.fault)
    const { stale, snapshot } = this.#feed
    return { listen, service, policy, stale, panic, ...this.meter.read(snapshot, faults) }
  }

  /** Accepts nothing any more. Open connections and the feed of endpoints go on. */
  stopAccepting(): void {
    this.#leave()?.close()
  }

  /** Accepts nothing any more and asks clients to come to an end. */
  drain(): void {
    this.stopAccepting()
    this.#connections.drain()
  }

  /** Breaks off what is open and lets go of everything. Idempotent. */
  close(): void {
    this.stopAccepting()
    this.#ended.abort()
    for (const admission of this.#arriving) admission.abort()
    this.#connections.abort()
    this.#health.close()
    this.#errors.close()
  }

  #enter(door: Door): void {
    const { host, port } = door.address
    this.#door = door
    this.guard.addListener(host, port)
    this.listen = this.#formatListen(host, port)
    this.#introduced = true
    this.#shared.emit({ event: 'listening', ...this.#state() })
    if (this.#staleError) this.#tellStale(this.#staleError)
    for (const change of this.#foundEarly.splice(0)) this.#tellHealth(change)
  }

  #leave(): Door | undefined {
    const door = this.#door
    this.#door = undefined
    if (door) this.guard.removeListener(door.address.host, door.address.port)
    return door
  }

  #feedObserver() {
    let known: readonly Endpoint[] = []
    const tell = (event: ProxyEvent) => {
      if (this.#introduced) this.#shared.emit(event)
    }
    return {
      snapshot: (snapshot: Snapshot) => {
        this.meter.prune(snapshot)
        this.#connections.update(snapshot)
        if (this.#staleError) tell({ event: 'live', listen: this.listen, service: this.service })
        const state = this.#state()
        if (this.#toldPolicy !== state.policy || !sameEndpoints(known, snapshot.endpoints))
          tell({ event: 'endpoints', ...state })
        this.#staleError = undefined
        known = snapshot.endpoints
        this.#toldPolicy = state.policy
      },
      stale: (error: FairleadError) => {
        if (!this.#staleError && this.#introduced) this.#tellStale(error)
        this.#staleError = error
      },
    }
  }

  #tellStale(error: FairleadError): void {
    this.#shared.emit({ event: 'stale', listen: this.listen, service: this.service, reason: error.message })
  }

  #tellHealth(change: HealthChange): void {
    if (!this.#introduced) return void this.#foundEarly.push(change)
    const { listen, service } = this
    if (change.kind === 'panic') return this.#shared.emit({ event: 'panic', listen, service, panic: change.panic })
    const { address, health, reason } = change
    this.#shared.emit({ event: 'health', listen, service, address, health, reason })
  }

  #formatListen(host: string, port: number): string {
    return formatListen(this.spec.listen.scheme, host, port)
  }

  #state(): ListenerState {
    const endpoints = this.#feed.snapshot?.endpoints ?? []
    return {
      listen: this.listen,
      service: this.service,
      policy: this.balancer.status().policy,
      ready: endpoints.filter(isReadyServer).length,
      endpoints: endpoints.filter(({ role }) => role === 'server').length,
    }
  }
}

function resolverOf({ target }: Listen, { resolver }: ProxyDependencies): Resolver {
  if (target.kind === 'static') return createStaticResolver(target.endpoints)
  if (resolver) return resolver
  throw new FairleadError('INVALID_ARGUMENT', `nothing to resolve service ${target.service} with`)
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, i) => sameEndpoint(endpoint, b[i]!))
}
