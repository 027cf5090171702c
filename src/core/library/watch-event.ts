import type { DepartureReason, RegistryEvent } from '../discovery/registry-event.js'
import type { FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import type { SkippedRecord } from '../model/snapshot.js'

/** One thing that happened to a service. */
export type WatchEvent =
  /** All there is of a service: first of all, and again in place of events that were missed. */
  | {
      readonly type: 'snapshot'
      readonly service: string
      readonly revision: bigint
      /** Sorted by address. */
      readonly endpoints: readonly Endpoint[]
      readonly skipped: readonly SkippedRecord[]
    }
  /** An endpoint came or changed. */
  | { readonly type: 'put'; readonly service: string; readonly revision: bigint; readonly endpoint: Endpoint }
  /** An endpoint went; `endpoint` is as it was last. */
  | {
      readonly type: 'delete'
      readonly service: string
      readonly revision: bigint
      readonly endpoint: Endpoint
      readonly reason: DepartureReason
    }
  /** The registry is away. What was known last still counts. */
  | { readonly type: 'stale'; readonly error: FairleadError }
  /** The registry is back. */
  | { readonly type: 'live'; readonly revision: bigint }

/** An event of the registry as those a library user sees: a snapshot of several services becomes one for each. */
export function* watchEvents(event: RegistryEvent): Generator<WatchEvent, void, undefined> {
  switch (event.type) {
    case 'snapshot':
      for (const { service, records, skipped } of event.services) {
        const endpoints = records.map((record) => record.endpoint)
        yield { type: 'snapshot', service, revision: event.revision, endpoints, skipped }
      }
      return
    case 'put':
    case 'delete': {
      const { record, ...rest } = event
      yield { ...rest, endpoint: record.endpoint }
      return
    }
    case 'stale':
      yield { type: 'stale', error: event.error }
      return
    case 'live':
      yield event
  }
}
