import type { PickResult } from '../../balancer/contract.js'
import type { Clock } from '../../runtime.js'

/** A pick whose call has not begun after this long, or up to twice as long, counts no more, milliseconds. */
const PATIENCE_MS = 10_000

/**
 * Picks whose calls have not begun. A pick counts as in flight at once, since several are made before the first call begins; but grpc-js
 * does not say when a call ends before it began (its credentials failed, it was cancelled), so those are let go after a while.
 */
export class Reservations {
  readonly #clock: Clock
  #young = new Set<PickResult>()
  #old = new Set<PickResult>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(pick: PickResult): void {
    this.#young.add(pick)
    if (!this.#cancel) this.#arm()
  }

  /** The call has begun. */
  remove(pick: PickResult): void {
    if (!this.#young.delete(pick)) this.#old.delete(pick)
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(): void {
    this.#cancel = this.#clock.after(PATIENCE_MS, () => this.#turn(), { keepAlive: false })
  }

  #turn(): void {
    this.#cancel = undefined
    for (const pick of this.#old) pick.done({ ok: undefined })
    this.#old = this.#young
    this.#young = new Set()
    if (this.#old.size > 0) this.#arm()
  }
}
