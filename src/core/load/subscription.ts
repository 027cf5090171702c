import { Backoff } from '../backoff.js'
import type { Balancer } from '../balancer/contract.js'
import type { Upstream } from '../balancer/upstream.js'
import { type Endpoint, isReadyServer } from '../model/endpoint.js'
import type { Runtime } from '../runtime.js'
import { openLazily } from './lazy-oob.js'
import type { LoadPeer, OpenLoadStream } from './load-stream.js'

export interface LoadSubscriptionOptions {
  /** How an endpoint is reached; undefined where it must not be. Default: at its address, in clear. */
  readonly reach?: (endpoint: Endpoint) => LoadPeer | undefined
  /** How streams are opened. Default: `OpenRcaService` over gRPC. */
  readonly open?: OpenLoadStream
}

/** The reports that the endpoints of one balancer are asked for. */
export interface LoadSubscription {
  /** To be called after the balancer has had a snapshot or another policy. Opens and closes streams as that asks for. */
  update(): void
  /** Closes every stream. Idempotent; `update` has no effect any more. */
  close(): void
}

/** After so many times of what was asked for without a report a stream is given up; endpoints may report as seldom as they like, ... */
const SILENT_PERIODS = 3
/** ... and 30 s is the least that the interface asks of them (`OrcaLoadReportRequest`), milliseconds. */
const LEAST_PERIOD_MS = 30_000
/** Streams are opened one after the other, milliseconds apart on average. */
const SPREAD_MS = 1

/**
 * Asks the endpoints of a balancer for their load on streams of their own and passes on what they say, for as long as its policy
 * wants that (`Balancer.oobReportingMs`): one stream for each endpoint that may take traffic. A stream that breaks is opened
 * again with exponential backoff.
 */
export function subscribeLoad(
  balancer: Balancer,
  runtime: Runtime,
  options: LoadSubscriptionOptions = {},
): LoadSubscription {
  return new StreamedLoad(balancer, runtime, options)
}

class StreamedLoad implements LoadSubscription {
  readonly #balancer: Balancer
  readonly #runtime: Runtime
  readonly #options: LoadSubscriptionOptions
  readonly #feeds = new Map<Upstream, Feed>()
  #isClosed = false

  constructor(balancer: Balancer, runtime: Runtime, options: LoadSubscriptionOptions) {
    this.#balancer = balancer
    this.#runtime = runtime
    this.#options = options
  }

  update(): void {
    if (this.#isClosed) return
    const periodMs = this.#balancer.oobReportingMs
    const wanted = periodMs === undefined ? [] : this.#balancer.status().upstreams.map(({ upstream }) => upstream)
    const asked = new Set(wanted.filter(({ endpoint }) => isReadyServer(endpoint)))
    for (const [upstream, feed] of this.#feeds) {
      if (asked.has(upstream) && feed.id === upstream.endpoint.id && feed.periodMs === periodMs) continue
      feed.close()
      this.#feeds.delete(upstream)
    }
    const spreadMs = SPREAD_MS * (asked.size - this.#feeds.size)
    for (const upstream of asked) {
      if (this.#feeds.has(upstream)) continue
      const feed = new Feed(upstream, periodMs!, this.#balancer, this.#runtime, this.#options)
      this.#feeds.set(upstream, feed)
      feed.openIn(spreadMs * this.#runtime.random.next())
    }
  }

  close(): void {
    this.#isClosed = true
    for (const feed of this.#feeds.values()) feed.close()
    this.#feeds.clear()
  }
}

/** What one instance is asked for. */
class Feed {
  readonly id: string
  readonly periodMs: number
  readonly #upstream: Upstream
  readonly #balancer: Balancer
  readonly #runtime: Runtime
  readonly #options: LoadSubscriptionOptions
  readonly #backoff: Backoff
  #cancel: (() => void) | undefined
  #end: (() => void) | undefined

  constructor(
    upstream: Upstream,
    periodMs: number,
    balancer: Balancer,
    runtime: Runtime,
    options: LoadSubscriptionOptions,
  ) {
    this.id = upstream.endpoint.id
    this.periodMs = periodMs
    this.#upstream = upstream
    this.#balancer = balancer
    this.#runtime = runtime
    this.#options = options
    this.#backoff = new Backoff(runtime.random, { initialMs: 1000, maxMs: 120_000 })
  }

  openIn(ms: number): void {
    this.#after(ms, () => this.#open())
  }

  close(): void {
    this.#cancel?.()
    this.#end?.()
    this.#end = undefined
  }

  #open(): void {
    const { reach = reachInClear, open = openLazily } = this.#options
    const peer = reach(this.#upstream.endpoint)
    if (peer === undefined) return
    this.#awaitReport()
    this.#end = open(peer, this.periodMs, {
      report: (load) => {
        this.#backoff.reset()
        this.#awaitReport()
        this.#balancer.report(this.#upstream, load)
      },
      unsupported: () => this.#cancel?.(),
      ended: (reason) => this.#again(reason),
    })
  }

  #awaitReport(): void {
    this.#after(SILENT_PERIODS * Math.max(this.periodMs, LEAST_PERIOD_MS), () => this.#again('no reports'))
  }

  #again(reason: string): void {
    this.close()
    this.#runtime.log.debug('load reports broke off', { address: this.#upstream.endpoint.address, reason })
    this.openIn(this.#backoff.next())
  }

  #after(ms: number, callback: () => void): void {
    this.#cancel?.()
    this.#cancel = this.#runtime.clock.after(ms, callback, { keepAlive: false })
  }
}

function reachInClear({ host, port }: Endpoint): LoadPeer {
  return { host, port }
}
