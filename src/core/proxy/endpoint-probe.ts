import type { ProbeEndpoint } from '../health/active/endpoint-check.js'
import { probe } from '../health/probe.js'
import type { Clock } from '../runtime.js'
import type { ProxyTls } from './tls/proxy-tls.js'
import { guardedLookup } from './transport/guarded-lookup.js'
import type { UpstreamGuard } from './upstream-guard.js'

/** What a probe goes by. */
export interface ProbeContext {
  readonly guard: UpstreamGuard
  /** Asked for each time: certificates change. */
  readonly tls: ProxyTls
}

/** Checks endpoints the way they are connected to: over TLS where that is configured, and never at a refused address. */
export function endpointProbe(context: ProbeContext, clock: Clock): ProbeEndpoint {
  return (check, endpoint, timeoutMs, signal) => {
    const { host, port } = endpoint
    const { guard } = context
    const refusal = guard.refusal(host, port)
    if (refusal !== undefined) return Promise.resolve(refusal)
    const tls = context.tls.destination(endpoint, [])
    const lookup = guardedLookup((ip) => guard.refusal(ip, port))
    return probe(check, endpoint, timeoutMs, clock, signal, tls ? { tls, lookup } : { lookup })
  }
}
