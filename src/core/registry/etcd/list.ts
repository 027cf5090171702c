import type { IKeyValue, IRangeRequest, IRangeResponse } from 'etcd3'
import type { Listing } from '../store.js'
import { rangeEnd, rangeStart, toEntry, toHeader } from './codec.js'
import { FairleadError } from '../../errors.js'
import { isMessageTooLarge } from './errors.js'

/** What one page should weigh. gRPC clients take messages of at most 4 MB. */
const PAGE_BYTES = 2 * 1024 * 1024
const FIRST_PAGE = 5_000
const LARGEST_PAGE = 20_000
/** What a record weighs beside its key and value: revisions, lease and framing. */
const OVERHEAD_BYTES = 40

/**
 * Reads all keys under `prefix` page by page, at the revision of the first page. Pages are sized by what the last one
 * weighed, and halved where one is too large. A compaction between two pages makes it start over. Errors of `range`
 * pass through.
 */
export async function listAll(
  prefix: string,
  keysOnly: boolean,
  range: (request: IRangeRequest) => Promise<IRangeResponse>,
): Promise<Listing> {
  const end = rangeEnd(prefix)
  let limit = FIRST_PAGE
  for (;;) {
    const kvs: IKeyValue[] = []
    let first: IRangeResponse | undefined
    let key = rangeStart(prefix)
    try {
      for (;;) {
        const page = await rangeThatFits({
          key,
          range_end: end,
          keys_only: keysOnly,
          revision: first?.header.revision ?? '0',
        })
        first ??= page
        kvs.push(...page.kvs)
        if (!page.more || page.kvs.length === 0) return { ...toHeader(first.header), entries: kvs.map(toEntry) }
        key = Buffer.concat([page.kvs.at(-1)!.key, Buffer.from([0])])
      }
    } catch (error) {
      if (!first || !(error instanceof FairleadError && error.code === 'COMPACTED')) throw error
    }
  }

  async function rangeThatFits(request: IRangeRequest): Promise<IRangeResponse> {
    for (;;) {
      try {
        const page = await range({ ...request, limit })
        if (page.more) limit = fittingLimit(page.kvs)
        return page
      } catch (error) {
        if (limit === 1 || !isMessageTooLarge(error)) throw error
        limit = Math.ceil(limit / 2)
      }
    }
  }
}

function fittingLimit(kvs: readonly IKeyValue[]): number {
  const bytes = kvs.reduce((sum, { key, value }) => sum + key.length + value.length + OVERHEAD_BYTES, 0)
  return Math.min(LARGEST_PAGE, Math.max(1, Math.floor((PAGE_BYTES * kvs.length) / bytes)))
}
