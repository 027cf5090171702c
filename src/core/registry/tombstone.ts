/**
 * Why a record was taken out on purpose: its registration was `closed`, its check is `failing` (it may come back), or somebody
 * `deregistered` it, which its registration has to obey.
 */
export type Departure = 'closed' | 'failing' | 'deregistered'

export interface Tombstone {
  /** The instance that was taken out. */
  readonly id: string
  readonly reason: Departure
}

const REASONS: ReadonlySet<unknown> = new Set<Departure>(['closed', 'failing', 'deregistered'])
const MAX_TOMBSTONE_BYTES = 4096

/** How long readers can see that a record was taken out on purpose, seconds. */
export const TOMBSTONE_TTL_SECONDS = 60
/** How long a registration that is cut off from the registry can still learn that it was deregistered, seconds. */
export const DEREGISTERED_TTL_SECONDS = 600

export function encodeTombstone(tombstone: Tombstone): string {
  return JSON.stringify({ id: tombstone.id, reason: tombstone.reason })
}

/** Undefined for what is not a tombstone's value: its key still says that the record was taken out on purpose. */
export function decodeTombstone(value: Buffer): Tombstone | undefined {
  if (value.length > MAX_TOMBSTONE_BYTES) return undefined
  try {
    const raw = JSON.parse(value.toString()) as { id?: unknown; reason?: unknown } | null
    if (typeof raw?.id !== 'string' || !REASONS.has(raw.reason)) return undefined
    return { id: raw.id, reason: raw.reason as Departure }
  } catch {
    return undefined
  }
}
