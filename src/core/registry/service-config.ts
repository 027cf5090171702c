import { isUtf8 } from 'node:buffer'
import { FairleadError } from '../errors.js'
import { parseServiceName } from '../model/service.js'
import type { SkippedRecord } from '../model/snapshot.js'
import { KeyLayout } from './keys.js'
import type { CallOptions, Entry, Store } from './store.js'

const MAX_CONFIG_BYTES = 256 * 1024

/** A gRPC service config as far as the registry is concerned: a JSON object. What it means is for its users to find out. */
export type ServiceConfig = Readonly<Record<string, unknown>>

/** Reads a stored service config. Never throws: what is no JSON object comes back with the reason. */
export function decodeServiceConfig(entry: Entry): { readonly config: ServiceConfig } | SkippedRecord {
  const { key, value } = entry
  if (!isUtf8(value)) return { key, reason: 'the service config is not UTF-8 text' }
  const config = parseObject(value.toString())
  return typeof config === 'string' ? { key, reason: `the service config ${config}` } : { config }
}

/** The stored service config. Throws NOT_FOUND if there is none, or none that can be read. */
export async function getServiceConfig(
  store: Store,
  prefix: string,
  service: string,
  options?: CallOptions,
): Promise<ServiceConfig> {
  const { entry } = await store.get(new KeyLayout(prefix).config(parseServiceName(service)), options)
  if (!entry) throw noConfig(service)
  const decoded = decodeServiceConfig(entry)
  if ('config' in decoded) return decoded.config
  throw new FairleadError('NOT_FOUND', `${decoded.key}: ${decoded.reason}`, {
    hint: `replace it with: fairlead config set ${service} JSON`,
  })
}

/** Stores a service config, replacing the one there was. Throws INVALID_ARGUMENT for one that no reader would take. */
export async function setServiceConfig(
  store: Store,
  prefix: string,
  service: string,
  config: ServiceConfig,
  options?: CallOptions,
): Promise<void> {
  const key = new KeyLayout(prefix).config(parseServiceName(service))
  const value = JSON.stringify(config)
  const readable = parseObject(value)
  if (typeof readable === 'string') throw new FairleadError('INVALID_ARGUMENT', `the service config ${readable}`)
  await store.txn({ then: [{ type: 'put', key, value }] }, options)
}

/** Removes the stored service config. Throws NOT_FOUND if there is none. */
export async function unsetServiceConfig(
  store: Store,
  prefix: string,
  service: string,
  options?: CallOptions,
): Promise<void> {
  const key = new KeyLayout(prefix).config(parseServiceName(service))
  const result = await store.txn(
    { when: [{ key, target: 'version', is: '>', value: 0n }], then: [{ type: 'delete', key }] },
    options,
  )
  if (!result.succeeded) throw noConfig(service)
}

/** The object, or what is wrong with it. */
function parseObject(text: string): ServiceConfig | string {
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) return `is larger than ${MAX_CONFIG_BYTES} bytes`
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch {
    return 'is not JSON'
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return 'is not a JSON object'
  return Object.freeze(config as Record<string, unknown>)
}

function noConfig(service: string): FairleadError {
  return new FairleadError('NOT_FOUND', `no service config is stored for ${service}`, {
    hint: `store one: fairlead config set ${service} '{"loadBalancingConfig":[{"round_robin":{}}]}'`,
  })
}
