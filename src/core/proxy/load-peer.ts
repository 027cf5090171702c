import { identityError } from '../health/certificate-identity.js'
import type { LoadPeer } from '../load/load-stream.js'
import type { Endpoint } from '../model/endpoint.js'
import type { ProbeContext } from './endpoint-probe.js'
import { guardedLookup } from './transport/guarded-lookup.js'

/** How an endpoint is asked for its load: the way it is connected to, and never at a refused address. */
export function loadPeer({ guard, tls }: ProbeContext, endpoint: Endpoint): LoadPeer | undefined {
  const { host, port } = endpoint
  if (guard.refusal(host, port) !== undefined) return undefined
  const lookup = guardedLookup((ip) => guard.refusal(ip, port))
  const destination = tls.destination(endpoint, [])
  if (destination === undefined) return { host, port, lookup }
  const { context, name } = destination
  return { host, port, lookup, tls: { context, name, verify: identityError } }
}
