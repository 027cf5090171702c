import { randomBytes } from 'node:crypto'
import type { RawEtcd, RawKeyValue, RawResponse } from '../../support/raw-etcd.js'

/** What a suite of the contract runs on: one server for all its tests, each with keys of its own. */
export interface Subject {
  readonly etcd: RawEtcd
}

/** A key prefix no other test uses. */
export const ownPrefix = (): string => `/${randomBytes(6).toString('hex')}/`

/** The end of the range of everything that starts with `prefix`, which must not end in 0xff. */
export const prefixEnd = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)

export const revisionOf = (response: RawResponse): number => Number(response.header.revision)

export const kvsOf = (response: RawResponse): readonly RawKeyValue[] => response['kvs'] as readonly RawKeyValue[]

export const keysOf = (response: RawResponse): readonly string[] => kvsOf(response).map(({ key }) => key)

export async function put(etcd: RawEtcd, key: string, value = '', fields: object = {}): Promise<number> {
  return revisionOf(await etcd.call('Put', { key, value, ...fields }))
}

export async function remove(etcd: RawEtcd, key: string): Promise<number> {
  return revisionOf(await etcd.call('DeleteRange', { key }))
}

/** gRPC codes by the names of the specification. */
export const Code = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
} as const
