import type { PickResult } from '../../balancer/contract.js'
import type { Clock } from '../../runtime.js'

/** A pick whose call has not begun after this long, or up to twice as long, counts no more, milliseconds. */
const PATIENCE_MS = 10_000

/** A pick whose call has not begun. */
export interface Reservation {
  readonly pick: PickResult
  /** How often the time had run out when it was made. */
  readonly turn: number
  /** Its neighbours in the list of all, which is a ring; itself once it is out. */
  older: Reservation
  newer: Reservation
}

/**
 * Picks whose calls have not begun. A pick counts as in flight at once, since several are made before the first call begins; but grpc-js
 * does not say when a call ends before it began (its credentials failed, it was cancelled), so those are let go after a while. A linked
 * list: every call comes in and goes out.
 */
export class Reservations {
  readonly #clock: Clock
  /** Where the ring begins and ends: `newer` of it is the oldest. */
  readonly #ends: Reservation
  #turn = 0
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    const ends = { pick: undefined, turn: 0 } as unknown as Reservation
    ends.older = ends.newer = ends
    this.#ends = ends
  }

  add(pick: PickResult): Reservation {
    const ends = this.#ends
    const added: Reservation = { pick, turn: this.#turn, older: ends.older, newer: ends }
    ends.older.newer = added
    ends.older = added
    if (!this.#cancel) this.#arm()
    return added
  }

  /** The call has begun. Idempotent. */
  remove(reservation: Reservation): void {
    reservation.older.newer = reservation.newer
    reservation.newer.older = reservation.older
    reservation.older = reservation.newer = reservation
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(): void {
    this.#cancel = this.#clock.after(PATIENCE_MS, () => this.#letGo(), { keepAlive: false })
  }

  #letGo(): void {
    this.#cancel = undefined
    for (;;) {
      const oldest = this.#ends.newer
      if (oldest === this.#ends || oldest.turn === this.#turn) break
      this.remove(oldest)
      oldest.pick.done({ ok: undefined })
    }
    this.#turn++
    if (this.#ends.newer !== this.#ends) this.#arm()
  }
}
