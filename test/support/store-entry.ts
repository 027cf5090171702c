import type { Entry } from '../../src/core/registry/store.js'

/** An entry as a store would return it. */
export function storeEntry(key: string, value: Buffer | string, fields: Partial<Entry> = {}): Entry {
  const revision = fields.createRevision ?? 2n
  return {
    key,
    value: Buffer.from(value),
    createRevision: revision,
    modRevision: revision,
    version: 1n,
    lease: 0n,
    ...fields,
  }
}
