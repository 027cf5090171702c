import { durationOf } from '../../protos/duration.js'
import type { ClientStats } from '../../protos/grpclb.js'

/** Counts calls between two reports to the balancer: those to servers of its lists, and those dropped by its lists. */
export class CallStats {
  #started = 0
  #finished = 0
  #failedToSend = 0
  #knownReceived = 0
  #dropped = new Map<string, number>()

  /** A call was sent to a server. */
  started(): void {
    this.#started++
  }

  /** A call that was started has ended. @param isKnownReceived whether the server has shown that it had the call */
  finished(isKnownReceived: boolean): void {
    this.#finished++
    if (isKnownReceived) this.#knownReceived++
  }

  /** A call could not be sent: it counts as started and finished. */
  failedToSend(): void {
    this.#started++
    this.#finished++
    this.#failedToSend++
  }

  /** A call was dropped for an entry with this token: it counts as started and finished. */
  dropped(token: string): void {
    this.#started++
    this.#finished++
    this.#dropped.set(token, (this.#dropped.get(token) ?? 0) + 1)
  }

  /** "Each count except the timestamp should be reset to zero after reporting the stats." (load_balancer.proto) */
  take(wallMs: number): ClientStats {
    const stats = {
      timestamp: durationOf(wallMs),
      num_calls_started: this.#started,
      num_calls_finished: this.#finished,
      num_calls_finished_with_client_failed_to_send: this.#failedToSend,
      num_calls_finished_known_received: this.#knownReceived,
      calls_finished_with_drop: Array.from(this.#dropped, ([token, calls]) => ({
        load_balance_token: token,
        num_calls: calls,
      })),
    }
    this.#started = this.#finished = this.#failedToSend = this.#knownReceived = 0
    this.#dropped = new Map()
    return stats
  }

  /** Whether nothing happened since the last report. */
  get isZero(): boolean {
    return this.#started === 0 && this.#finished === 0
  }
}
