import type { HttpLimits } from '../http/environment.js'
import { ErrorCode } from '../http/stream.js'
import { ticksOf } from '../ticker.js'

export interface Late {
  readonly code: number
  readonly reason: string
  /** The peer does not even read. */
  readonly stuck: boolean
}

/** What may take too long on a connection as a whole, in ticks. Asked every now and then: no timer per connection. */
export class Timeouts {
  /** The peer's SETTINGS have come, and its acknowledgement of ours. */
  settled = false
  settingsAnswered = false
  /** The last tick at which a stream was known to be open. */
  idleSince: number
  readonly stallTicks: number
  readonly #openedAt: number
  readonly #headTicks: number
  readonly #idleTicks: number
  /** When the frame or section under way began; -1 where none is. */
  #incompleteSince = -1
  #incomplete = 0
  /** The output that the kernel had taken at the last look, and since when it has taken no more although some waits. */
  #taken = 0
  #stuckSince = 0

  constructor(limits: HttpLimits, now: number) {
    this.#openedAt = now
    this.idleSince = now
    this.#headTicks = ticksOf(limits.headTimeoutMs)
    this.#idleTicks = ticksOf(limits.idleTimeoutMs)
    this.stallTicks = ticksOf(limits.stallTimeoutMs)
  }

  /** Which frame or header section is incomplete at the end of a chunk, by a number; 0 if none is. */
  incomplete(which: number, now: number): void {
    if (which === this.#incomplete) return
    this.#incomplete = which
    this.#incompleteSince = which === 0 ? -1 : now
  }

  idle(now: number): boolean {
    return now - this.idleSince >= this.#idleTicks
  }

  /** What has taken too long; `pending` is the output that the kernel has not taken, `taken` all that it has. */
  late(now: number, pending: number, taken: number): Late | undefined {
    if ((!this.settled || !this.settingsAnswered) && now - this.#openedAt >= this.#headTicks) {
      return { code: ErrorCode.SETTINGS_TIMEOUT, reason: 'no SETTINGS, or none acknowledged', stuck: false }
    }
    if (this.#incompleteSince >= 0 && now - this.#incompleteSince >= this.#headTicks) {
      return { code: ErrorCode.ENHANCE_YOUR_CALM, reason: 'a frame or header section that does not end', stuck: false }
    }
    if (pending === 0 || taken !== this.#taken) this.#stuckSince = now
    this.#taken = taken
    if (pending > 0 && now - this.#stuckSince >= this.stallTicks) {
      return { code: ErrorCode.CANCEL, reason: 'the peer does not read', stuck: true }
    }
    return undefined
  }
}
