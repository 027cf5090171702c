import { Backoff } from '../backoff.js'
import type { Balancer } from '../balancer/contract.js'
import type { Upstream } from '../balancer/upstream.js'
import { type Endpoint, isReadyServer } from '../model/endpoint.js'
import type { Runtime } from '../runtime.js'
import { openLazily } from './lazy-oob.js'
import type { LoadPeer, LoadStreamObserver } from './load-stream.js'

/**
 * Asks an endpoint for its load, every `periodMs` milliseconds. Returns what ends that; the observer hears nothing any more then.
 * Undefined where the endpoint must not be reached.
 */
export type OpenLoadStream = (
  upstream: Upstream,
  periodMs: number,
  observer: LoadStreamObserver,
) => (() => void) | undefined

export interface LoadSubscriptionOptions {
  /** What the stream of an endpoint belongs to; undefined: it is to have none now. Default: the instance. */
  readonly belongsTo?: (upstream: Upstream) => unknown
  /** How streams are opened. Default: on connections of their own, to the endpoints' addresses, in clear. */
  readonly open?: OpenLoadStream
}

/** Streams on connections of their own. @param reach how an endpoint is reached; undefined where it must not be */
export function openTo(reach: (endpoint: Endpoint) => LoadPeer | undefined): OpenLoadStream {
  return ({ endpoint }, periodMs, observer) => {
    const peer = reach(endpoint)
    return peer && openLazily(peer, periodMs, observer)
  }
}

const openInClear = openTo(({ host, port }) => ({ host, port }))
const instanceOf = ({ endpoint }: Upstream): unknown => endpoint.id

/** The reports that the endpoints of one balancer are asked for. */
export interface LoadSubscription {
  /**
   * To be called after the balancer has had a snapshot or another policy, and when streams belong to something else. Opens
   * and closes streams as that asks for.
   */
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
    if (periodMs === undefined) return this.#closeAll()
    const asked = this.#asked()
    for (const [upstream, feed] of this.#feeds) {
      if (asked.get(upstream) === feed.owner && feed.periodMs === periodMs) continue
      feed.close()
      this.#feeds.delete(upstream)
    }
    const spreadMs = SPREAD_MS * (asked.size - this.#feeds.size)
    for (const [upstream, owner] of asked) {
      if (this.#feeds.has(upstream)) continue
      const { open = openInClear } = this.#options
      const feed = new Feed(upstream, owner, periodMs, open, this.#balancer, this.#runtime)
      this.#feeds.set(upstream, feed)
      feed.openIn(spreadMs * this.#runtime.random.next())
    }
  }

  close(): void {
    this.#isClosed = true
    this.#closeAll()
  }

  /** Who is to have a stream, and what it belongs to. */
  #asked(): ReadonlyMap<Upstream, unknown> {
    const { belongsTo = instanceOf } = this.#options
    const asked = new Map<Upstream, unknown>()
    for (const { upstream } of this.#balancer.status().upstreams) {
      const owner = isReadyServer(upstream.endpoint) ? belongsTo(upstream) : undefined
      if (owner !== undefined) asked.set(upstream, owner)
    }
    return asked
  }

  #closeAll(): void {
    for (const feed of this.#feeds.values()) feed.close()
    this.#feeds.clear()
  }
}

/** What one endpoint is asked for. */
class Feed {
  readonly #backoff: Backoff
  #cancel: (() => void) | undefined
  #end: (() => void) | undefined

  constructor(
    private readonly upstream: Upstream,
    readonly owner: unknown,
    readonly periodMs: number,
    private readonly openStream: OpenLoadStream,
    private readonly balancer: Balancer,
    private readonly runtime: Runtime,
  ) {
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
    this.#end = this.openStream(this.upstream, this.periodMs, {
      report: (load) => {
        this.#backoff.reset()
        this.#awaitReport()
        this.balancer.report(this.upstream, load)
      },
      unsupported: () => this.#cancel?.(),
      ended: (reason) => this.#again(reason),
    })
    if (this.#end) this.#awaitReport()
  }

  #awaitReport(): void {
    this.#after(SILENT_PERIODS * Math.max(this.periodMs, LEAST_PERIOD_MS), () => this.#again('no reports'))
  }

  #again(reason: string): void {
    this.close()
    this.runtime.log.debug('load reports broke off', { address: this.upstream.endpoint.address, reason })
    this.openIn(this.#backoff.next())
  }

  #after(ms: number, callback: () => void): void {
    this.#cancel?.()
    this.#cancel = this.runtime.clock.after(ms, callback, { keepAlive: false })
  }
}
