import type { ProbeEndpoint } from '../../health/active/endpoint-check.js'
import { probe } from '../../health/probe.js'
import type { Clock } from '../../runtime.js'
import type { DialableEndpoint } from './dialable.js'

/** Checks endpoints at their IP addresses, by the names that they are registered under. */
export function probeDialable(clock: Clock): ProbeEndpoint {
  return (check, endpoint: DialableEndpoint, timeoutMs, signal) => {
    const { host, port, address, registered = address } = endpoint
    return probe(check, { host, port, address: registered }, timeoutMs, clock, signal)
  }
}
