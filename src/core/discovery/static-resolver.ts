import { FairleadError } from '../errors.js'
import { parseAddress } from '../model/address.js'
import type { Endpoint } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import { MAX_WEIGHT } from '../registry/record-fields.js'
import { LatestResolution } from './latest.js'
import type { Resolver } from './resolution.js'

const NO_META: Readonly<Record<string, string>> = Object.freeze({})

/**
 * Reads a fixed list of endpoints written `ADDR[@WEIGHT],…` (weight 0–1000, default 1), in the order given. Throws
 * INVALID_ARGUMENT naming the entry that is wrong or repeats an address.
 */
export function parseStaticEndpoints(text: string): readonly Endpoint[] {
  const byAddress = new Map<string, Endpoint>()
  for (const item of text.split(',')) {
    const entry = item.trim()
    if (entry === '') throw badEntry(text, 'an entry is empty')
    const endpoint = parseEntry(entry)
    if (byAddress.has(endpoint.address)) throw badEntry(text, `${endpoint.address} is listed twice`)
    byAddress.set(endpoint.address, endpoint)
  }
  return Object.freeze([...byAddress.values()])
}

function parseEntry(entry: string): Endpoint {
  const at = entry.lastIndexOf('@')
  const { address, host, port } = parseAddress(at < 0 ? entry : entry.slice(0, at))
  const weightText = at < 0 ? '1' : entry.slice(at + 1)
  const weight = /^\d{1,4}$/.test(weightText) ? Number(weightText) : NaN
  if (!(weight <= MAX_WEIGHT)) {
    throw badEntry(entry, `weight ${JSON.stringify(weightText)} is not a whole number from 0 to ${MAX_WEIGHT}`)
  }
  return Object.freeze({ id: address, address, host, port, weight, state: 'ready', role: 'server', meta: NO_META })
}

function badEntry(text: string, reason: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `bad static endpoints ${JSON.stringify(text)}: ${reason}`, {
    hint: 'write ADDRESS[@WEIGHT] entries with commas between them, for example 10.0.0.5:8080@3,10.0.0.6:8080',
  })
}

/** Resolves every service name to the same fixed endpoints, at revision 0: one snapshot, never stale. */
export function createStaticResolver(endpoints: readonly Endpoint[]): Resolver {
  return {
    resolve(service, signal) {
      const snapshot: Snapshot = Object.freeze({ service, revision: 0n, endpoints, skipped: Object.freeze([]) })
      const latest = new LatestResolution()
      latest.offer({ kind: 'snapshot', snapshot, departed: new Set() })
      return latest.read(signal)
    },
  }
}
