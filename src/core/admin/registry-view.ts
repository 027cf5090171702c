import type { ListenerReading } from '../proxy/reading.js'
import { isoTime } from './time.js'

/** What is known of the registry, or of a service in it, and how old that is. Plain JSON. */
export interface RegistryView {
  /** `unknown`: nothing was heard yet; `stale`: the registry is away, what was known last is in use. */
  readonly state: 'unknown' | 'live' | 'stale'
  /** In decimal; null before the first snapshot; "0" of a fixed list. */
  readonly revision: string | null
  /** When what is in use was heard of. */
  readonly changedAt: string | null
  /** For how long nothing was heard of the registry; 0 while it is there. */
  readonly staleMs: number
  /** Why it is away; null while it is there. */
  readonly reason: string | null
}

export function viewRegistry({ revision, changedAt, stale }: ListenerReading['registry']): RegistryView {
  return {
    state: stale ? 'stale' : revision === undefined ? 'unknown' : 'live',
    revision: revision ?? null,
    changedAt: changedAt === undefined ? null : isoTime(changedAt),
    staleMs: Math.round(stale?.forMs ?? 0),
    reason: stale?.reason ?? null,
  }
}
