import { isUtf8 } from 'node:buffer'
import type { SkippedRecord } from '../model/snapshot.js'
import type { Entry } from '../registry/store.js'

const MAX_CONFIG_BYTES = 256 * 1024

/**
 * Reads a stored service config as far as discovery needs it: a JSON object. What it means is for its users to find out. Never
 * throws: what is no JSON object comes back with the reason.
 */
export function decodeServiceConfig(
  entry: Entry,
): { readonly config: Readonly<Record<string, unknown>> } | SkippedRecord {
  const { key, value } = entry
  if (value.length > MAX_CONFIG_BYTES)
    return { key, reason: `the service config is larger than ${MAX_CONFIG_BYTES} bytes` }
  if (!isUtf8(value)) return { key, reason: 'the service config is not UTF-8 text' }
  let config: unknown
  try {
    config = JSON.parse(value.toString())
  } catch {
    return { key, reason: 'the service config is not JSON' }
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return { key, reason: 'the service config is not a JSON object' }
  }
  return { config: Object.freeze(config as Record<string, unknown>) }
}
