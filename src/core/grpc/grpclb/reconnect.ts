import { Backoff } from '../../backoff.js'
import type { Random } from '../../runtime.js'

/** A stream that held so long was no mistake of the balancer's. */
const STEADY_MS = 5000
/** gRPC's backoff between attempts to connect ("connection-backoff.md"). */
const BACKOFF = { initialMs: 1000, maxMs: 120_000, factor: 1.6 }

/**
 * How long to wait before the next stream to a balancer. One that has answered once is asked again at once; but a balancer that ends
 * stream after stream as soon as it has answered is asked ever less often, as one that does not answer is.
 */
export class Reconnect {
  readonly #backoff: Backoff
  #hasHurried = false

  constructor(random: Random) {
    this.#backoff = new Backoff(random, BACKOFF)
  }

  /**
   * @param isAnswered whether the stream that has ended had brought the initial response
   * @param livedMs how long it lasted
   */
  delayAfter(isAnswered: boolean, livedMs: number): number {
    if (isAnswered && livedMs >= STEADY_MS) {
      this.#backoff.reset()
      this.#hasHurried = false
    }
    if (!isAnswered || this.#hasHurried) return this.#backoff.next()
    this.#hasHurried = true
    return 0
  }
}
