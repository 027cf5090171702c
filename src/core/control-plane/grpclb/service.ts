import { status } from '@grpc/grpc-js'
import { grpclbProto } from '../../protos/grpclb.js'
import { withReadyResponses } from '../serving/ready-responses.js'
import {
  type ControlPlaneContext,
  type ControlPlaneService,
  DEFAULT_REPORT_INTERVAL_MS,
  type ProtocolOptions,
} from '../service.js'
import { type BalanceLoadCall, ClientStream, LIST_TYPE } from './client-stream.js'
import { encodeInitialResponse } from './encode.js'
import { isIdle, type LoadCounts } from './load-counts.js'
import { Meter } from '../meter.js'
import { ServiceFeed } from './service-feed.js'

/** The lookaside balancer of gRPC clients, `grpc.lb.v1.LoadBalancer`. */
export function createGrpclbService(
  context: ControlPlaneContext,
  { reportIntervalMs = DEFAULT_REPORT_INTERVAL_MS }: ProtocolOptions = {},
): ControlPlaneService {
  return new LookasideBalancer(context, reportIntervalMs)
}

class LookasideBalancer implements ControlPlaneService {
  readonly protocol = 'grpclb'
  readonly #context: ControlPlaneContext
  /** Of services that somebody asks for. */
  readonly #feeds = new Map<string, ServiceFeed>()
  /** Those that have not asked for anything yet too. */
  readonly #streams = new Set<ClientStream>()
  readonly #meter: Meter
  readonly #initialResponse: Buffer
  #isClosed = false

  constructor(context: ControlPlaneContext, reportIntervalMs: number) {
    this.#context = context
    this.#meter = new Meter(this.protocol, [LIST_TYPE], context.runtime.clock)
    this.#initialResponse = encodeInitialResponse(reportIntervalMs)
  }

  get handlers(): ControlPlaneService['handlers'] {
    const definition = withReadyResponses(grpclbProto().service)
    return [{ definition, implementation: { BalanceLoad: (call: BalanceLoadCall) => this.#begin(call) } }]
  }

  get meters(): readonly Meter[] {
    return [this.#meter]
  }

  followers(service: string): number {
    return this.#feeds.get(service)?.size ?? 0
  }

  close(): void {
    this.#isClosed = true
    for (const stream of [...this.#streams]) stream.end(status.UNAVAILABLE, 'this balancer is shutting down')
  }

  #begin(call: BalanceLoadCall): void {
    const stream = new ClientStream(call, {
      clock: this.#context.runtime.clock,
      zone: this.#context.zone,
      initialResponse: this.#initialResponse,
      joined: () => this.#join(stream),
      sent: () => this.#meter.sent(LIST_TYPE),
      reported: (counts, seconds) => this.#count(stream, counts, seconds),
      left: () => this.#leave(stream),
    })
    this.#streams.add(stream)
    this.#meter.began(stream)
    if (this.#isClosed) stream.end(status.UNAVAILABLE, 'this balancer is shutting down')
  }

  #join(stream: ClientStream): void {
    const { service, client } = stream
    let feed = this.#feeds.get(service)
    if (feed === undefined) {
      feed = new ServiceFeed(service, this.#context.directory, (heardAt) => this.#meter.told(heardAt))
      this.#feeds.set(service, feed)
    }
    this.#context.onEvent({ event: 'joined', protocol: 'grpclb', client, service })
    feed.add(stream)
  }

  #count({ service, client }: ClientStream, counts: LoadCounts, seconds: number): void {
    this.#meter.reported()
    if (isIdle(counts)) return
    this.#context.directory.countLoad(service, counts)
    const { requests, failed, dropped } = counts
    this.#context.onEvent({ event: 'load', protocol: 'grpclb', client, service, requests, failed, dropped, seconds })
  }

  #leave(stream: ClientStream): void {
    this.#streams.delete(stream)
    this.#meter.ended(stream)
    if (!stream.hasJoined) return
    const { service, client } = stream
    const feed = this.#feeds.get(service)!
    feed.remove(stream)
    if (feed.size === 0) {
      feed.close()
      this.#feeds.delete(service)
    }
    this.#context.onEvent({ event: 'left', protocol: 'grpclb', client, service })
  }
}
