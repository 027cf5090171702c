import type { Balancer } from '../balancer/contract.js'
import type { PolicyChoice } from '../balancer/service-config.js'
import type { Fault } from '../balancer/upstream.js'
import { createStaticResolver } from '../discovery/static-resolver.js'
import type { Resolver } from '../discovery/resolution.js'
import { FairleadError, isRefusal } from '../errors.js'
import type { Gate } from '../health/active/gate.js'
import { HealthMonitor } from '../health/monitor.js'
import type { StallGuard } from '../health/stall-guard.js'
import { type LoadSubscription, openTo, subscribeLoad } from '../load/subscription.js'
import { isReadyServer } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import { type Runtime, sleep } from '../runtime.js'
import { Admission, type AdmissionOwner } from './admission/admission.js'
import type { Client } from './admission/client.js'
import { Door } from './door.js'
import { EndpointHistory } from './endpoint-history.js'
import { endpointProbe } from './endpoint-probe.js'
import type { ListenerState, ProxyEvent } from './events.js'
import { formatListen, type Listen, targetName } from './listen.js'
import { ListenerNews, type NewsSource } from './listener-news.js'
import { loadPeer } from './load-peer.js'
import { ListenerMeter, type ListenerStats } from './meters.js'
import type { ProxyDependencies } from './options.js'
import { readListener } from './read-listener.js'
import type { ListenerReading } from './reading.js'
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
export class Listener implements AcceptObserver, AdmissionOwner, ServiceContext, NewsSource {
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
  readonly #news: ListenerNews
  readonly #health: HealthMonitor
  readonly #history: EndpointHistory
  readonly #load: LoadSubscription
  readonly #ended = new AbortController()
  readonly #feed: ServiceFeed
  readonly #arriving = new Set<Admission>()
  readonly #connections: ConnectionService
  #door: Door | undefined

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
    const news = new ListenerNews(this, this.balancer.status().policy, runtime.clock, shared.emit)
    this.#news = news
    this.#history = new EndpointHistory(runtime.clock)
    this.#health = new HealthMonitor(shared.settings.health, this.balancer, room, (change) => {
      this.#history.health(change)
      news.health(change)
    })
    this.#load = subscribeLoad(this.balancer, runtime, { open: openTo((endpoint) => loadPeer(this, endpoint)) })
    this.#connections = createService(spec.listen.scheme, this)
    const { signal } = this.#ended
    const resolutions = resolverOf(spec, shared.dependencies).resolve(this.service, signal)
    const observer = {
      snapshot: (snapshot: Snapshot) => {
        this.meter.prune(snapshot)
        this.#history.snapshot(snapshot, (address) => this.meter.known(address) !== undefined)
        this.#load.update()
        this.#connections.update(snapshot)
        news.snapshot(snapshot)
      },
      stale: (error: FairleadError) => news.stale(error),
    }
    this.#feed = new ServiceFeed(resolutions, this.balancer, observer, runtime.clock, signal)
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
    const { staleError } = this.#news
    if (this.#feed.snapshot === undefined && staleError && isRefusal(staleError)) throw staleError
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
    this.#load.update()
    this.#news.configured()
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
    this.#news.error({ kind: 'accept_failed', reason: error.message })
  }

  trouble(trouble: Trouble): void {
    if (trouble.kind === 'connect_failed' && this.spec.target.kind === 'service') {
      this.#shared.dependencies.resolver?.disprove(this.service, trouble.address)
    }
    const { kind, address, reason } = trouble
    this.#news.error({ kind, reason, ...(address && { address }) })
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

  read(): ListenerReading {
    return readListener(this.stats(), {
      target: this.spec.target,
      balancer: this.balancer,
      meter: this.meter,
      history: this.#history,
      registry: this.#feed.read(),
      clock: this.runtime.clock,
    })
  }

  state(): ListenerState {
    const endpoints = this.#feed.snapshot?.endpoints ?? []
    return {
      listen: this.listen,
      service: this.service,
      policy: this.balancer.status().policy,
      ready: endpoints.filter(isReadyServer).length,
      endpoints: endpoints.filter(({ role }) => role === 'server').length,
    }
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
    this.#load.close()
    this.#news.close()
  }

  #enter(door: Door): void {
    const { host, port } = door.address
    this.#door = door
    this.guard.addListener(host, port)
    this.listen = this.#formatListen(host, port)
    this.#news.introduce()
  }

  #leave(): Door | undefined {
    const door = this.#door
    this.#door = undefined
    if (door) this.guard.removeListener(door.address.host, door.address.port)
    return door
  }

  #formatListen(host: string, port: number): string {
    return formatListen(this.spec.listen.scheme, host, port)
  }
}

function resolverOf({ target }: Listen, { resolver }: ProxyDependencies): Resolver {
  if (target.kind === 'static') return createStaticResolver(target.endpoints)
  if (resolver) return resolver
  throw new FairleadError('INVALID_ARGUMENT', `nothing to resolve service ${target.service} with`)
}
