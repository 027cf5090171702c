import { keyRange } from './key-range.js'
import { type Compare, CompareResult, CompareTarget, type KeyValue } from './messages.js'
import type { Readable } from './range-query.js'

/** What a key that does not exist is compared as. */
const ABSENT = { create_revision: 0, mod_revision: 0, version: 0, lease: '0' } as const

/** Whether every key of the comparison's range satisfies it. */
export function holds(source: Readable, compare: Compare): boolean {
  const { kvs } = source.read(keyRange(compare.key, compare.range_end))
  if (kvs.length > 0) return kvs.every((kv) => satisfies(compare, orderOf(compare, kv)))
  // "Always fail if comparing a value on a key/keys that doesn't exist" (etcd apply.go).
  return compare.target !== CompareTarget.VALUE && satisfies(compare, integerOrder(compare, ABSENT))
}

function orderOf(compare: Compare, kv: KeyValue): number {
  return compare.target === CompareTarget.VALUE
    ? kv.value.compare(compare.value ?? Buffer.alloc(0))
    : integerOrder(compare, kv)
}

function integerOrder(compare: Compare, kv: Omit<KeyValue, 'key' | 'value'>): number {
  switch (compare.target) {
    case CompareTarget.VERSION:
      return difference(kv.version, compare.version)
    case CompareTarget.CREATE:
      return difference(kv.create_revision, compare.create_revision)
    case CompareTarget.MOD:
      return difference(kv.mod_revision, compare.mod_revision)
    case CompareTarget.LEASE:
      return difference(kv.lease, compare.lease)
    default:
      return 0
  }
}

/** The target of a union that was not set, or set for another field, is zero. */
function difference(actual: number | string, asked: string | undefined): number {
  const [a, b] = [BigInt(actual), BigInt(asked ?? 0)]
  return a < b ? -1 : a > b ? 1 : 0
}

function satisfies({ result }: Compare, order: number): boolean {
  switch (result) {
    case CompareResult.EQUAL:
      return order === 0
    case CompareResult.NOT_EQUAL:
      return order !== 0
    case CompareResult.GREATER:
      return order > 0
    case CompareResult.LESS:
      return order < 0
    default:
      return true
  }
}
