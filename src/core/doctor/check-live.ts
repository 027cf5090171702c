import { probe } from '../health/probe.js'
import { inParallel } from '../in-parallel.js'
import type { Store } from '../registry/store.js'
import type { Clock } from '../runtime.js'
import type { ServiceEntries } from './check-records.js'
import type { Finding, ServiceCheck } from './finding.js'

/** So many leases and ports are looked at; a finding tells when there are more. */
const MOST = 2000
const LEASES_AT_ONCE = 16
const PORTS_AT_ONCE = 64
const CONNECT_MS = 1000

/**
 * Leases close to their end: whoever renews at a third of the TTL, as fairlead and etcd's clients do, never lets less than
 * half of it be left unless it hangs, is cut off or is gone.
 */
export async function checkLeases(
  store: Pick<Store, 'leaseInfo'>,
  services: readonly ServiceEntries[],
  signal: AbortSignal,
): Promise<Finding[]> {
  // One lease may carry many records: the last one is named.
  const carried = new Map(
    services.flatMap(({ service, registered }) => registered.map(({ lease, key }) => [lease, { service, key }])),
  )
  carried.delete(0n)
  const findings = await inParallel(
    [...carried].slice(0, MOST),
    LEASES_AT_ONCE,
    async ([lease, { service, key }]): Promise<Finding[]> => {
      const info = await store.leaseInfo(lease, { signal })
      if (info === undefined || info.remainingSeconds >= info.ttlSeconds / 3) return []
      const what = `its lease ends in ${info.remainingSeconds} s of ${info.ttlSeconds} s and is not being renewed`
      const fix = 'see whether its process hangs or is cut off'
      return [{ severity: 'warning', check: 'leases', service, subject: key, what, fix }]
    },
  )
  return [...findings.flat(), ...checkedAll(carried.size, 'leases')]
}

/** Endpoints whose port does not answer; those in maintenance are not asked. */
export async function checkPorts(
  services: readonly ServiceEntries[],
  clock: Clock,
  signal: AbortSignal,
): Promise<Finding[]> {
  const asked = services.flatMap(({ service, registered }) =>
    registered.filter(({ endpoint }) => endpoint.state !== 'maint').map(({ endpoint }) => ({ service, endpoint })),
  )
  const findings = await inParallel(
    asked.slice(0, MOST),
    PORTS_AT_ONCE,
    async ({ service, endpoint }): Promise<Finding[]> => {
      const reason = await probe({ kind: 'tcp' }, endpoint, CONNECT_MS, clock, signal)
      if (reason === undefined) return []
      const fix = 'start its process, open its port to this machine, or deregister it'
      const what = `does not answer: ${reason}`
      return [{ severity: 'error', check: 'ports', service, subject: endpoint.address, what, fix }]
    },
  )
  signal.throwIfAborted()
  return [...findings.flat(), ...checkedAll(asked.length, 'ports')]
}

function checkedAll(count: number, check: ServiceCheck): Finding[] {
  if (count <= MOST) return []
  const fix = 'name a service to look at it alone'
  return [{ severity: 'info', check, subject: check, what: `only ${MOST} of ${count} were looked at`, fix }]
}
