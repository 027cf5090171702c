import type { IRangeRequest, IRangeResponse } from 'etcd3'
import { expect, it } from 'vitest'
import { FairleadError } from '../../../src/core/errors.js'
import { fromError } from '../../../src/core/registry/etcd/errors.js'
import { listAll } from '../../../src/core/registry/etcd/list.js'

const MAX_BYTES = 4 * 1024 * 1024

/** Answers ranges over `count` keys as etcd does, and refuses the messages gRPC would not take. */
class FakeRanges {
  readonly keys: readonly string[]
  readonly requests: IRangeRequest[] = []
  refused = 0
  #revision = 9
  readonly #value: Buffer

  constructor(count: number, valueBytes: number) {
    this.keys = Array.from({ length: count }, (_, i) => `/p/${String(i).padStart(6, '0')}`)
    this.#value = Buffer.alloc(valueBytes)
  }

  readonly range = async (request: IRangeRequest): Promise<IRangeResponse> => {
    this.requests.push(request)
    const from = request.key!.toString()
    const matching = this.keys.filter((key) => key >= from)
    const taken = matching.slice(0, Number(request.limit))
    const bytes = taken.length * this.#value.length
    if (bytes > MAX_BYTES) {
      this.refused++
      const details = `Received message larger than max (${bytes} vs ${MAX_BYTES})`
      throw fromError(Object.assign(new Error(details), { code: 8, details }))
    }
    const known = { value: this.#value, create_revision: '1', mod_revision: '1', version: '1', lease: '0' }
    return {
      header: { cluster_id: '1', member_id: '1', raft_term: '1', revision: String(this.#revision++) },
      kvs: taken.map((key) => ({ key: Buffer.from(key), ...known })),
      more: taken.length < matching.length,
      count: String(matching.length),
    }
  }
}

it('reads every page at the revision of the first', async () => {
  const registry = new FakeRanges(12_000, 10)
  const listing = await listAll('/p/', false, registry.range)
  expect(listing.entries.map(({ key }) => key)).toEqual(registry.keys)
  expect(listing.revision).toBe(9n)
  const [first, ...others] = registry.requests.map(({ revision }) => revision)
  expect(first).toBe('0')
  expect(others.length).toBeGreaterThan(0)
  expect(new Set(others)).toEqual(new Set(['9']))
})

it('halves a page that is too large until it fits, then sizes pages by their weight', async () => {
  const registry = new FakeRanges(300, 100_000)
  const listing = await listAll('/p/', false, registry.range)
  expect(listing.entries.map(({ key }) => key)).toEqual(registry.keys)
  expect(registry.refused).toBeGreaterThan(0)
  expect(registry.refused).toBeLessThan(10)
  // 2 MB each.
  expect(registry.requests.length - registry.refused).toBeLessThan(20)
})

it('fails where even one record is too large', async () => {
  const registry = new FakeRanges(1, MAX_BYTES + 1)
  await expect(listAll('/p/', false, registry.range)).rejects.toMatchObject({
    code: 'REFUSED',
    message: expect.stringContaining('larger than max'),
  })
})

it('starts over when the revision is compacted between two pages', async () => {
  const registry = new FakeRanges(6_000, 10)
  let compacted = false
  const listing = await listAll('/p/', false, async (request) => {
    if (request.revision !== '0' && !compacted) {
      compacted = true
      throw new FairleadError('COMPACTED', 'gone')
    }
    return registry.range(request)
  })
  expect(compacted).toBe(true)
  expect(listing.entries.map(({ key }) => key)).toEqual(registry.keys)
  expect(listing.revision).toBe(10n)
})
