import type { Endpoint } from '../model/endpoint.js'
import {
  type Attempt,
  grantTombstoneLease,
  type Place,
  putRecord,
  removeRecord,
  sight,
  type Sighting,
} from './record-access.js'
import type { CallOptions, Store, StoreHeader } from './store.js'
import type { Departure } from './tombstone.js'

/** Reads and writes one record and remembers what was last seen of it, for as long as nothing tells otherwise. */
export class RecordHandle {
  readonly #store: Store
  readonly #place: Place
  readonly #options: CallOptions
  readonly #beginCall: () => (header: StoreHeader) => void
  #seen: Sighting | undefined
  #touchedAt = 0n
  #doubts = 0

  /** @param beginCall called before each call; what it returns, with what the registry answers it. */
  constructor(store: Store, place: Place, options: CallOptions, beginCall: () => (header: StoreHeader) => void) {
    this.#store = store
    this.#place = place
    this.#options = options
    this.#beginCall = beginCall
  }

  /** Takes note of a change at `revision`, or (undefined) that changes may have been missed. False: it was known already. */
  touched(revision: bigint | undefined): boolean {
    if (revision === undefined) {
      this.#doubts++
      this.#touchedAt = 0n
    } else {
      if (this.#seen && revision <= this.#seen.revision) return false
      if (revision > this.#touchedAt) this.#touchedAt = revision
    }
    this.#seen = undefined
    return true
  }

  forget(): void {
    this.#seen = undefined
  }

  async look(): Promise<Sighting> {
    return this.#seen ?? this.#learn(() => sight(this.#store, this.#place, this.#options).then((seen) => [seen, seen]))
  }

  /** Writes the record if it is still as it was `seen`; true when that was done. */
  put(endpoint: Endpoint, lease: bigint, seen: Sighting): Promise<boolean> {
    return this.#write(
      () => putRecord(this.#store, this.#place, endpoint, lease, seen, this.#options),
      (revision) => ({ ...seen, revision, record: { endpoint, lease, modRevision: revision }, tombstone: undefined }),
    )
  }

  /** Takes the record out on purpose if it is still as it was `seen`; true when that was done. */
  remove(reason: Departure, seen: Sighting): Promise<boolean> {
    return this.#write(
      async () => {
        const lease = await grantTombstoneLease(this.#store, reason, this.#options)
        return removeRecord(this.#store, this.#place, reason, lease, seen, this.#options)
      },
      (revision) => ({ ...seen, revision, record: undefined, tombstone: undefined }),
    )
  }

  #write(write: () => Promise<Attempt>, after: (revision: bigint) => Sighting): Promise<boolean> {
    return this.#learn(async () => {
      const attempt = await write()
      return attempt.done ? [true, after(attempt.revision)] : [false, attempt.seen]
    })
  }

  /** Remembers what a call tells, unless it failed or a change that it does not know of was noted meanwhile. */
  async #learn<T>(call: () => Promise<readonly [T, Sighting]>): Promise<T> {
    this.#seen = undefined
    const doubts = this.#doubts
    const answered = this.#beginCall()
    const [result, seen] = await call()
    answered(seen)
    if (doubts === this.#doubts && seen.revision >= this.#touchedAt) this.#seen = seen
    return result
  }
}
