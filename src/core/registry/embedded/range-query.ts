import { type KeyRange, keyRange } from './key-range.js'
import { type KeyValue, type RangeRequest, type RangeResponse, SortOrder, SortTarget } from './messages.js'
import type { ReadOptions, ReadResult } from './mvcc-store.js'

const NOTHING = Buffer.alloc(0)

const COMPARISONS: Readonly<Record<number, (a: KeyValue, b: KeyValue) => number>> = {
  [SortTarget.KEY]: (a, b) => a.key.compare(b.key),
  [SortTarget.VERSION]: (a, b) => a.version - b.version,
  [SortTarget.CREATE]: (a, b) => a.create_revision - b.create_revision,
  [SortTarget.MOD]: (a, b) => a.mod_revision - b.mod_revision,
  [SortTarget.VALUE]: (a, b) => a.value.compare(b.value),
}

/** What ranges are read from: the store, or a transaction on it. */
export interface Readable {
  readonly revision: number
  read(range: KeyRange, options?: ReadOptions): ReadResult
}

/**
 * Answers a validated range request. `count` is of everything in the range, limit and filters aside; `more` says that the
 * limit cut something off.
 */
export function answerRange(source: Readable, request: RangeRequest): RangeResponse {
  const limit = Number(request.limit)
  const filters = filtersOf(request)
  const whole = request.sort_order !== SortOrder.NONE || filters.length > 0
  const { kvs: found, count } = source.read(keyRange(request.key, request.range_end), {
    revision: Number(request.revision),
    // One more than asked for shows that there is more. A sort target without an order sorts what the limit left.
    limit: whole || limit <= 0 ? 0 : limit + 1,
    countOnly: request.count_only,
  })
  let kvs = found.filter((kv) => filters.every((accepts) => accepts(kv)))
  sort(kvs, request)
  const more = limit > 0 && kvs.length > limit
  if (more) kvs = kvs.slice(0, limit)
  if (request.keys_only) kvs = kvs.map((kv) => ({ ...kv, value: NOTHING }))
  return { header: { revision: source.revision }, kvs, more, count }
}

function filtersOf(request: RangeRequest): ((kv: KeyValue) => boolean)[] {
  const minMod = Number(request.min_mod_revision)
  const maxMod = Number(request.max_mod_revision)
  const minCreate = Number(request.min_create_revision)
  const maxCreate = Number(request.max_create_revision)
  const filters: ((kv: KeyValue) => boolean)[] = []
  if (minMod !== 0) filters.push((kv) => kv.mod_revision >= minMod)
  if (maxMod !== 0) filters.push((kv) => kv.mod_revision <= maxMod)
  if (minCreate !== 0) filters.push((kv) => kv.create_revision >= minCreate)
  if (maxCreate !== 0) filters.push((kv) => kv.create_revision <= maxCreate)
  return filters
}

/** Sorts in place. Results come in key order, so only other orders take work; equals stay in key order. */
function sort(kvs: KeyValue[], { sort_order: order, sort_target: target }: RangeRequest): void {
  const compare = COMPARISONS[target]
  if (!compare || (order !== SortOrder.DESCEND && target === SortTarget.KEY)) return
  kvs.sort(order === SortOrder.DESCEND ? (a, b) => compare(b, a) : compare)
}
