/**
 * Keys are byte strings in byte order. Here they are held as latin1 strings, one character per byte, because `<` on
 * those is byte order and they can be keys of a Map.
 */
export type KeyName = string

export const keyName = (key: Buffer): KeyName => key.toString('latin1')

/** Half open: from `start` up to but excluding `end`; without an end, everything from `start` on. */
export interface KeyRange {
  readonly start: KeyName
  readonly end: KeyName | undefined
  /** The range is the one key `start`. */
  readonly single: boolean
}

/**
 * The range a request names. "If range_end is not given, the request only looks up key. […] If range_end is '\0', the
 * range is all keys greater than or equal to the key argument" (etcd rpc.proto).
 */
export function keyRange(key: Buffer, rangeEnd: Buffer): KeyRange {
  const start = keyName(key)
  if (rangeEnd.length === 0) return { start, end: start + '\0', single: true }
  const end = rangeEnd.length === 1 && rangeEnd[0] === 0 ? undefined : keyName(rangeEnd)
  return { start, end, single: false }
}

export function contains(range: KeyRange, name: KeyName): boolean {
  return range.single ? name === range.start : name >= range.start && (range.end === undefined || name < range.end)
}
