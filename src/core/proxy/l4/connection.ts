import type { PickResult } from '../../balancer/contract.js'
import type { PickRequest } from '../../balancer/policy.js'
import type { Upstream } from '../../balancer/upstream.js'
import type { Client } from '../admission/client.js'
import { UNITS_PER_MS } from '../latency-histogram.js'
import type { EndpointMeter } from '../meters.js'
import { encodeV2 } from '../proxy-protocol/v2.js'
import type { Arrival } from '../service/connection-service.js'
import { dialErrorText, isExhaustion, isLocalFailure } from '../dial-error.js'
import { guardedMeter, type ServiceContext } from '../service/context.js'
import type { Perishable } from '../ticker.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { Dial, DialObserver, Wire, WireReceiver } from '../transport/transport.js'
import { Splice, type SpliceOwner } from './splice.js'

const NO_ALPN: readonly string[] = Object.freeze([])
export interface ConnectionOwner {
  /** Called once. */
  connectionOver(connection: Connection): void
}

/**
 * One client connection: given an endpoint, spliced to it. Tries another endpoint when one cannot be connected to, which
 * is safe because nothing has been sent to it. Tells the balancer the end of every pick.
 */
export class Connection implements PickRequest, Perishable, DialObserver, SpliceOwner, WireReceiver {
  deadline = Infinity
  exclude: readonly Upstream[] | undefined
  readonly #context: ServiceContext
  readonly #owner: ConnectionOwner
  readonly #wire: Wire
  readonly #client: Client
  /** What the client sent before it had an endpoint. */
  #early: Buffer
  /** Whether that is all it sends. */
  readonly #ended: boolean
  #attempts = 0
  #picked: PickResult | undefined
  #meter: EndpointMeter | undefined
  #dial: Dial | undefined
  #dialledAt = 0
  #splice: Splice | undefined
  #over = false

  constructor(wire: Wire, { client, early, ended = false }: Arrival, context: ServiceContext, owner: ConnectionOwner) {
    this.#context = context
    this.#owner = owner
    this.#wire = wire
    this.#client = client
    this.#early = early
    this.#ended = ended
  }

  /** What hash policies go by: the client's IP address. Found out only when asked for. */
  get key(): string {
    return this.#client.key
  }

  start(): void {
    this.#wire.receiver = this
    this.#connect()
  }

  /** Breaks the connection off, at whatever stage it is. */
  abort(): void {
    if (this.#splice) return this.#splice.reset()
    this.#cancelDial(false)
    this.#giveUp()
  }

  #connect(): void {
    for (;;) {
      const { balancer } = this.#context
      const picked = balancer.tryPick(this)
      if (picked === undefined) {
        if (this.#attempts === 0) this.#context.trouble({ kind: 'no_endpoints', reason: balancer.failure().message })
        return this.#fail()
      }
      const { endpoint } = picked.upstream
      const meter = guardedMeter(this.#context, endpoint)
      if (meter.refusal === undefined) return this.#dialUpstream(picked, meter)
      picked.done({ ok: false })
      meter.failed++
      this.exclude = [...(this.exclude ?? []), picked.upstream]
      this.#context.trouble({ kind: 'refused_address', address: endpoint.address, reason: meter.refusal })
    }
  }

  #dialUpstream(picked: PickResult, meter: EndpointMeter): void {
    const { transport, guard, ticker, tls, runtime, settings } = this.#context
    const { host, port } = picked.upstream.endpoint
    if (this.#attempts++ > 0) this.#context.meter.retries++
    this.#picked = picked
    this.#meter = meter
    this.#dialledAt = runtime.clock.now()
    this.deadline = ticker.now + settings.l4.connectTicks
    ticker.watch(this)
    const secured = tls.destination(picked.upstream.endpoint, NO_ALPN)
    const destination = {
      host,
      port,
      refuse: (ip: string) => guard.refusal(ip, port),
      ...(settings.l4.sendProxyHeader && { preface: encodeV2(this.#client.addresses) }),
      ...(secured && { tls: secured }),
    }
    this.#dial = transport.dial(destination, this)
  }

  connected(upstream: Wire): void {
    const { runtime, ticker, settings } = this.#context
    const latencyMs = runtime.clock.now() - this.#dialledAt
    this.#picked!.answered(latencyMs)
    this.#dial = undefined
    ticker.unwatch(this)
    // Asked for again: an endpoint that left meanwhile has lost the one it had.
    const meter = this.#context.meter.endpoint(this.#picked!.upstream.endpoint.address)
    this.#meter = meter
    meter.total++
    meter.active++
    meter.latency.record(Math.round(latencyMs * UNITS_PER_MS))
    if (this.#early.length > 0) {
      upstream.write(this.#early, this.#early.length)
      meter.bytesSent += this.#early.length
      this.#early = NO_BYTES
    }
    this.#splice = new Splice(this.#wire, upstream, meter, ticker, settings.l4.idleTicks, this)
    ticker.watch(this.#splice)
    if (this.#ended) this.#wire.receiver.onEnd()
  }

  connectFailed(error: Error): void {
    const { ticker, settings } = this.#context
    ticker.unwatch(this)
    this.#dial = undefined
    const picked = this.#picked!
    const local = isLocalFailure(error)
    const final = isExhaustion(error) || this.#attempts >= settings.l4.attempts
    picked.done({ ok: local ? undefined : false })
    if (!local) {
      this.#meter!.connectFailures++
      this.#meter!.failed++
    }
    this.#context.trouble({
      kind: 'connect_failed',
      address: picked.upstream.endpoint.address,
      reason: dialErrorText(error),
    })
    if (final) return this.#fail()
    this.exclude = [...(this.exclude ?? []), picked.upstream]
    this.#connect()
  }

  /** The connect time is over. */
  expire(): void {
    this.#cancelDial(true)
  }

  spliceClosed(upstreamFailed: boolean): void {
    this.#context.ticker.unwatch(this.#splice!)
    this.#meter!.active--
    if (upstreamFailed) this.#meter!.failed++
    else this.#meter!.succeeded++
    this.#picked!.done({ ok: !upstreamFailed })
    this.#end()
  }

  /** The client went away before it was spliced. */
  onClose(): void {
    this.#cancelDial(false)
    this.#end()
  }

  onData(): void {}
  onEnd(): void {}
  onDrain(): void {}

  #cancelDial(timedOut: boolean): void {
    if (!this.#dial) return
    this.#dial.cancel()
    if (timedOut) return this.connectFailed(new Error('connection attempt timed out'))
    this.#context.ticker.unwatch(this)
    this.#dial = undefined
    this.#picked!.done({ ok: undefined })
  }

  #fail(): void {
    this.#context.meter.failed++
    this.#giveUp()
  }

  #giveUp(): void {
    this.#wire.reset()
    this.#end()
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#owner.connectionOver(this)
  }
}
