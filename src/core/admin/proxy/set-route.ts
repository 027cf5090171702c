import { FairleadError } from '../../errors.js'
import { readJson } from '../http/body.js'
import { sendJson } from '../http/respond.js'
import type { Route } from '../http/route.js'
import { parseEndpointChange } from './endpoint-change.js'
import type { ProxySource } from './source.js'

/** Changes what the registry says of an endpoint. */
export function setRoute(source: ProxySource): Route {
  return {
    method: 'POST',
    demand: 'action',
    about: 'change weight or state of an endpoint',
    async answer(request, response, { signal }) {
      const change = parseEndpointChange(await readJson(request))
      if (!source.set) {
        throw new FairleadError('NOT_FOUND', 'no service of a registry is served here', {
          hint: 'a fixed list of endpoints is changed where it is written',
        })
      }
      const { id, address, weight, state } = await source.set(change, signal)
      sendJson(response, 200, { service: change.service, endpoint: { id, address, weight, state } })
    },
  }
}
