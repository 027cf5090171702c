import type { FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'

/** Turns a service name into a never-ending stream of what is known about it. */
export interface Resolver {
  /**
   * Yields a snapshot as soon as one is known (an empty one for a service nobody registered), and another for each change, coalesced: a
   * slow consumer sees only the latest. `stale` tells that the source is away and the last snapshot still counts; the next
   * snapshot ends it. Returns only when `signal` aborts; throws only what no retry can mend (INVALID_ARGUMENT).
   */
  resolve(service: string, signal: AbortSignal): AsyncIterable<Resolution>
}

export type Resolution =
  | {
      readonly kind: 'snapshot'
      readonly snapshot: Snapshot
      /** Addresses that were taken out on purpose (not by expiry) in the recent past, for readers that hold mass expiry. */
      readonly departed: ReadonlySet<string>
    }
  | {
      readonly kind: 'stale'
      /** Monotonic milliseconds (Runtime clock) since when nothing was heard. */
      readonly since: number
      readonly error: FairleadError
    }
