import { FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import { parseServiceName } from '../model/service.js'
import type { Runtime } from '../runtime.js'
import { untilUncontended } from './contention.js'
import { changeEndpoint, type Description } from './description.js'
import { findRecords } from './find-record.js'
import { KeyLayout } from './keys.js'
import { putRecord, sight } from './record-access.js'
import type { CallOptions, Store } from './store.js'

/**
 * Changes a record that somebody else keeps, without touching its lease; its registration takes the change over. Returns the endpoint
 * as written. Throws NOT_FOUND, INVALID_ARGUMENT and what the store throws.
 */
export async function setRecord(
  store: Store,
  prefix: string,
  service: string,
  address: string,
  changes: Description,
  runtime: Runtime,
  options?: CallOptions,
): Promise<Endpoint> {
  const layout = new KeyLayout(prefix)
  const [place] = await findRecords(store, layout, parseServiceName(service), address, options)
  if (!place) throw notFound(service, address)
  return untilUncontended(place.key, runtime, options?.signal, async () => {
    const seen = await sight(store, place, options)
    if (!seen.record) throw notFound(service, address)
    if (!seen.record.endpoint) {
      throw new FairleadError('NOT_FOUND', `the record at ${place.key} cannot be read`, {
        hint: `fairlead resolve ${service} lists what was skipped, and why`,
      })
    }
    const endpoint = changeEndpoint(seen.record.endpoint, changes)
    try {
      const attempt = await putRecord(store, place, endpoint, seen.record.lease, seen, options)
      return attempt.done ? endpoint : undefined
    } catch (error) {
      // The lease ended in between, and the record with it.
      if (!(error instanceof FairleadError && error.code === 'NOT_FOUND')) throw error
      return undefined
    }
  })
}

export function notFound(service: string, address: string): FairleadError {
  return new FairleadError('NOT_FOUND', `${address} is not registered for ${service}`, {
    hint: `fairlead resolve ${service} lists what is`,
  })
}
