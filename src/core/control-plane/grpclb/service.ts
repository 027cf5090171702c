import { status } from '@grpc/grpc-js'
import { grpclbProto } from '../../protos/grpclb.js'
import { withReadyResponses } from '../serving/ready-responses.js'
import type { ControlPlaneContext, ControlPlaneService } from '../service.js'
import { type BalanceLoadCall, ClientStream } from './client-stream.js'
import { encodeInitialResponse } from './encode.js'
import { addLoad, isIdle, type LoadCounts, NO_LOAD } from './load-counts.js'
import { ServiceFeed } from './service-feed.js'

export interface GrpclbOptions {
  /** How often clients are asked to report their load, milliseconds. 0: not at all. Default 10,000. */
  readonly reportIntervalMs?: number | undefined
}

/** The lookaside balancer of gRPC clients, `grpc.lb.v1.LoadBalancer`. */
export interface GrpclbService extends ControlPlaneService {
  /** What clients have reported, for each service that anybody asks for now. */
  loads(): readonly ServiceLoad[]
}

export interface ServiceLoad {
  readonly service: string
  /** Since the service was first asked for, clients that have left included. */
  readonly total: LoadCounts
  /** Those that ask for it now. What they call themselves is untrusted text. */
  readonly clients: readonly ClientLoad[]
}

export interface ClientLoad {
  readonly client: string
  readonly zone: string | undefined
  readonly load: LoadCounts
}

const DEFAULT_REPORT_INTERVAL_MS = 10_000

/** A service that somebody asks for. */
interface Asked {
  readonly feed: ServiceFeed
  readonly streams: Set<ClientStream>
  total: LoadCounts
}

export function createGrpclbService(context: ControlPlaneContext, options: GrpclbOptions = {}): GrpclbService {
  return new LookasideBalancer(context, options.reportIntervalMs ?? DEFAULT_REPORT_INTERVAL_MS)
}

class LookasideBalancer implements GrpclbService {
  readonly protocol = 'grpclb'
  readonly #context: ControlPlaneContext
  readonly #services = new Map<string, Asked>()
  /** Those that have not asked for anything yet too. */
  readonly #streams = new Set<ClientStream>()
  readonly #initialResponse: Buffer
  #isClosed = false

  constructor(context: ControlPlaneContext, reportIntervalMs: number) {
    this.#context = context
    this.#initialResponse = encodeInitialResponse(reportIntervalMs)
  }

  get handlers(): ControlPlaneService['handlers'] {
    const definition = withReadyResponses(grpclbProto().service)
    return [{ definition, implementation: { BalanceLoad: (call: BalanceLoadCall) => this.#begin(call) } }]
  }

  loads(): readonly ServiceLoad[] {
    return Array.from(this.#services, ([service, { total, streams }]) => ({
      service,
      total,
      clients: Array.from(streams, ({ client, zone, load }) => ({ client, zone, load })),
    }))
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
      reported: (counts, seconds) => this.#count(stream, counts, seconds),
      left: () => this.#leave(stream),
    })
    this.#streams.add(stream)
    if (this.#isClosed) stream.end(status.UNAVAILABLE, 'this balancer is shutting down')
  }

  #join(stream: ClientStream): void {
    const { service, client } = stream
    let asked = this.#services.get(service)
    if (asked === undefined) {
      asked = { feed: new ServiceFeed(service, this.#context.directory), streams: new Set(), total: NO_LOAD }
      this.#services.set(service, asked)
    }
    asked.streams.add(stream)
    this.#context.onEvent({ event: 'joined', protocol: 'grpclb', client, service })
    asked.feed.add(stream)
  }

  #count({ service, client }: ClientStream, counts: LoadCounts, seconds: number): void {
    const asked = this.#services.get(service)!
    asked.total = addLoad(asked.total, counts)
    if (isIdle(counts)) return
    this.#context.directory.countRequests(service, counts.started)
    const { started: requests, failedToSend: failed, dropped } = counts
    this.#context.onEvent({ event: 'load', protocol: 'grpclb', client, service, requests, failed, dropped, seconds })
  }

  #leave(stream: ClientStream): void {
    this.#streams.delete(stream)
    if (!stream.hasJoined) return
    const { service, client } = stream
    const asked = this.#services.get(service)!
    asked.feed.remove(stream)
    asked.streams.delete(stream)
    if (asked.streams.size === 0) {
      asked.feed.close()
      this.#services.delete(service)
    }
    this.#context.onEvent({ event: 'left', protocol: 'grpclb', client, service })
  }
}
