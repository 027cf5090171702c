/** Where calls go: nowhere yet, to the servers of the balancer's list, or to the channel's own addresses. */
export type Mode = 'waiting' | 'list' | 'fallback'

/**
 * When a client of lookaside balancers does without them. It falls back to the channel's own addresses at once where there is no balancer,
 * or the balancer says so; after a while where no list has come, or as soon as no balancer can be reached, or the stream ends, before the
 * first list; and later when the stream is lost and no server of the list is connected. Any list that is another than the
 * last ends it. Where there are no own addresses, a list that was there stays in use.
 */
export class Fallback {
  #mode: Mode = 'waiting'
  #hasBalancers = false
  /** Whether the channel has addresses of its own. */
  #hasServers = false
  /** Whether there is a stream. */
  #isConnected = false
  /** Whether there was a stream that ended, or no balancer could be reached, since the last list. */
  #hasFailed = false
  #isTimedOut = false
  #isAsked = false
  /** Whether a server of the list is connected. */
  #isReady = false

  get mode(): Mode {
    return this.#mode
  }

  /** The resolver told of so many balancers and addresses of the channel's own. */
  resolved(balancers: number, servers: number): void {
    this.#hasBalancers = balancers > 0
    this.#hasServers = servers > 0
    if (!this.#hasBalancers) this.#isConnected = false
    this.#consider()
  }

  /** The time is over in which the first list had to come. */
  timedOut(): void {
    this.#isTimedOut = true
    this.#consider()
  }

  /** A stream to a balancer has begun. */
  connected(): void {
    this.#isConnected = true
  }

  /** The stream has ended. */
  lost(): void {
    this.#isConnected = false
    this.#hasFailed = true
    this.#consider()
  }

  /** None of the balancers can be connected to. */
  unreachable(): void {
    this.#hasFailed = true
    this.#consider()
  }

  /** A list has come that is another than the last. */
  listed(): void {
    this.#mode = 'list'
    this.#hasFailed = false
    this.#isAsked = false
    this.#isReady = false
  }

  /** "The client should eagerly enter fallback mode (even if there are existing, healthy connections to backends)." (load_balancer.proto) */
  asked(): void {
    this.#isAsked = true
    this.#consider()
  }

  /** Whether a server of the list is connected. */
  ready(isReady: boolean): void {
    this.#isReady = isReady
    this.#consider()
  }

  #consider(): void {
    if (this.#mode !== 'fallback' && this.#mustFallBack()) this.#mode = 'fallback'
  }

  #mustFallBack(): boolean {
    if (!this.#hasBalancers) return true
    // Without addresses calls fail from here on, which says more than if they waited on.
    if (this.#mode === 'waiting' && this.#isTimedOut) return true
    if (!this.#hasServers) return false
    if (this.#isAsked) return true
    return this.#mode === 'waiting' ? this.#hasFailed : !this.#isConnected && !this.#isReady
  }
}
