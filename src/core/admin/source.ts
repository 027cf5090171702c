import type { EventLog } from './event-log.js'
import type { Route } from './http/route.js'
import type { Series } from './metrics/family.js'
import type { ProcessState } from './process.js'

/**
 * What an admin endpoint shows: a proxy (`proxy/`) or a control plane (`serve/`). What asks for how things are may ask other
 * processes, and rejects only where there is nothing to read any more.
 */
export interface AdminSource {
  /** What happens, for `GET /events`. */
  readonly events: EventLog
  /** What is answered besides what every admin endpoint answers, by path. */
  readonly routes: ReadonlyMap<string, Route>
  /** The configuration in effect, without secrets, as JSON. */
  configuration(): Readonly<Record<string, unknown>>
  readiness(): Promise<Readiness>
  /**
   * The document of `GET /state`, in pieces that each take little time to make. `actions`: how the caller's channel lets things be
   * changed.
   */
  state(actions: ProcessState['actions']): Promise<Iterable<string>>
  /** What there is to count and measure at this moment. */
  metrics(): Promise<readonly Series[]>
  /** The process is coming to its end: it is not ready any more. */
  drain(): void
  /** Follows nothing any more. Idempotent. */
  close(): void
}

export interface Readiness {
  readonly status: 'ready' | 'starting' | 'draining'
  /** What it waits for. */
  readonly unready: readonly string[]
}
