import { asFairleadError } from '../../errors.js'
import type { Snapshot } from '../../model/snapshot.js'
import type { DownstreamConnection } from '../http/stream.js'
import { Http1ServerConnection } from '../http1/server-connection.js'
import { Http2ServerConnection } from '../http2/server-connection.js'
import type { Arrival, ConnectionService } from '../service/connection-service.js'
import type { ServiceContext } from '../service/context.js'
import type { HttpSettings } from '../settings.js'
import type { Spoken } from '../sniff/classify.js'
import { type SniffOwner, SniffPhase } from '../sniff/sniff-phase.js'
import type { Wire, WireReceiver } from '../transport/transport.js'
import { type CallConfigs, NO_CALL_CONFIGS, parseCallConfigs } from '../../balancer/call-config.js'
import { ClientConnection, type ClientConnectionOwner } from './client-connection.js'
import type { RelayContext } from './context.js'
import { Deadlines } from './deadlines.js'
import { HttpEndpoints } from './endpoints.js'
import { IdleRequests } from './idle-requests.js'
import { RetryBudget } from './retry-budget.js'
import { RetryThrottle } from './retry-throttle.js'
import { SavedRequests } from './saved-request.js'
import { Sticky } from './sticky.js'
import { TurnClock } from './turn-clock.js'
import { UpstreamDialect } from './upstream-dialect.js'
import type { UpstreamProtocol } from './upstream-pool.js'
import { WaitingRoom } from './waiting-room.js'

/** Balances requests: each HTTP request, gRPC call or upgraded connection goes to an endpoint of its own. */
export class HttpService implements ConnectionService, RelayContext, ClientConnectionOwner {
  readonly listener: ServiceContext
  readonly endpoints: HttpEndpoints
  readonly saved = new SavedRequests()
  readonly clock: TurnClock
  readonly deadlines: Deadlines
  readonly idle: IdleRequests
  readonly budget: RetryBudget
  readonly throttle = new RetryThrottle()
  readonly waiting: WaitingRoom
  calls: CallConfigs = NO_CALL_CONFIGS
  readonly #onlyHttp2: boolean
  readonly #arriving = new Set<Arriving>()
  readonly #connections = new Set<ClientConnection>()
  readonly #dialect: UpstreamDialect
  #sticky: Sticky | undefined
  #snapshot: Snapshot | undefined
  #draining = false

  /** `onlyHttp2`: clients begin with HTTP/2 at once, as gRPC does. */
  constructor(listener: ServiceContext, onlyHttp2: boolean) {
    this.listener = listener
    this.#onlyHttp2 = onlyHttp2
    this.#dialect = new UpstreamDialect(listener)
    this.endpoints = new HttpEndpoints(listener, this.#dialect)
    this.clock = new TurnClock(listener.runtime.clock, listener.flusher)
    this.deadlines = new Deadlines(listener.ticker)
    this.idle = new IdleRequests(listener.ticker, () => this.settings.limits.idleTimeoutMs)
    this.budget = new RetryBudget(listener.ticker)
    this.waiting = new WaitingRoom(listener.ticker)
  }

  get settings(): HttpSettings {
    return this.listener.settings.http
  }

  get sticky(): Sticky | undefined {
    const { sticky } = this.settings
    if (this.#sticky?.settings !== sticky) {
      this.#sticky = sticky && new Sticky(sticky)
      if (this.#snapshot) this.#sticky?.update(this.#snapshot)
    }
    return this.#sticky
  }

  get active(): number {
    return this.#arriving.size + this.#connections.size
  }

  accept(wire: Wire, arrival: Arrival): void {
    if (this.#onlyHttp2 || arrival.alpn === 'h2') return this.converse(wire, arrival, 'h2')
    if (arrival.alpn !== '') return this.converse(wire, arrival, 'h1')
    const arriving = new Arriving(wire, arrival, this)
    this.#arriving.add(arriving)
    arriving.start(this.listener.runtime.clock, this.settings.limits.headTimeoutMs)
  }

  /** Serves a client of whom it is known what it speaks. */
  converse(wire: Wire, arrival: Arrival, protocol: UpstreamProtocol): void {
    const { client, secure, early, ended = false } = arrival
    const handler = new ClientConnection(client, protocol, secure, this, this)
    this.#connections.add(handler)
    const { trusted } = handler
    const scheme = secure ? 'https' : 'http'
    const { environment } = this.#dialect
    const connection: DownstreamConnection & WireReceiver =
      protocol === 'h2'
        ? new Http2ServerConnection(wire, environment, { trusted }, handler)
        : new Http1ServerConnection(wire, environment, { scheme, trusted }, handler)
    handler.connection = connection
    if (early.length > 0) connection.onData(early, early.length)
    if (ended) connection.onEnd()
    if (this.#draining) connection.drain()
  }

  /** `arriving` is known, or gone. */
  arrived(arriving: Arriving): void {
    this.#arriving.delete(arriving)
  }

  /** A client left before it was known what it speaks. */
  left(arriving: Arriving): void {
    if (this.#arriving.delete(arriving)) this.listener.closed()
  }

  update(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    this.endpoints.update(snapshot)
    this.sticky?.update(snapshot)
    try {
      this.calls = snapshot.serviceConfig === undefined ? NO_CALL_CONFIGS : parseCallConfigs(snapshot.serviceConfig)
      this.throttle.configure(this.calls.throttling)
    } catch (error) {
      // As with policies: a config that cannot be used changes nothing.
      const { service, runtime } = this.listener
      const fields = { service, error: asFairleadError(error).message }
      runtime.log.warn('the service config for calls cannot be used; what was known stays', fields)
    }
  }

  drain(): void {
    this.#draining = true
    for (const { connection } of this.#connections) connection!.drain()
  }

  abort(): void {
    for (const arriving of this.#arriving) arriving.abort()
    for (const { connection } of this.#connections) connection!.abort()
    this.endpoints.abort()
  }

  connectionOver(connection: ClientConnection): void {
    this.#connections.delete(connection)
    this.listener.closed()
  }
}

/** A client of whom it is not known yet which HTTP it speaks. */
class Arriving implements SniffOwner {
  readonly #wire: Wire
  readonly #arrival: Arrival
  readonly #service: HttpService
  #phase: SniffPhase | undefined

  constructor(wire: Wire, arrival: Arrival, service: HttpService) {
    this.#wire = wire
    this.#arrival = arrival
    this.#service = service
  }

  start(clock: ServiceContext['runtime']['clock'], timeoutMs: number): void {
    this.#phase = new SniffPhase(this.#wire, this.#arrival.early, clock, timeoutMs, this)
  }

  sniffed(spoken: Spoken, bytes: Buffer, length: number, sniffedEnd: boolean): void {
    this.#service.arrived(this)
    const early = Buffer.from(bytes.subarray(0, length))
    const ended = sniffedEnd || this.#arrival.ended === true
    this.#service.converse(this.#wire, { ...this.#arrival, early, ended }, spoken === 'h2' ? 'h2' : 'h1')
  }

  sniffClosed(): void {
    this.#service.left(this)
  }

  abort(): void {
    this.#phase?.cancel()
    this.#wire.reset()
    this.#service.left(this)
  }
}
