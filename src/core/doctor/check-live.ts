import { probe } from '../health/probe.js'
import { inParallel } from '../in-parallel.js'
import type { Registered } from '../registry/record.js'
import type { Store } from '../registry/store.js'
import type { Clock } from '../runtime.js'
import type { Finding } from './finding.js'

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
  registered: readonly Registered[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const keys = new Map(registered.map(({ lease, key }) => [lease, key]))
  keys.delete(0n)
  const findings = await inParallel([...keys].slice(0, MOST), LEASES_AT_ONCE, async ([lease, key]) => {
    const info = await store.leaseInfo(lease, { signal })
    if (info === undefined || info.remainingSeconds >= info.ttlSeconds / 3) return []
    const what = `its lease ends in ${info.remainingSeconds} s of ${info.ttlSeconds} s and is not being renewed`
    const finding: Finding = {
      severity: 'warning',
      subject: key,
      what,
      fix: 'see whether its process hangs or is cut off',
    }
    return [finding]
  })
  return [...findings.flat(), ...checkedAll(keys.size, 'leases')]
}

/** Endpoints whose port does not answer; those in maintenance are not asked. */
export async function checkPorts(
  registered: readonly Registered[],
  clock: Clock,
  signal: AbortSignal,
): Promise<Finding[]> {
  const asked = registered.map(({ endpoint }) => endpoint).filter(({ state }) => state !== 'maint')
  const findings = await inParallel(asked.slice(0, MOST), PORTS_AT_ONCE, async (endpoint) => {
    const reason = await probe({ kind: 'tcp' }, endpoint, CONNECT_MS, clock, signal)
    if (reason === undefined) return []
    const fix = 'start its process, open its port to this machine, or deregister it'
    const finding: Finding = { severity: 'error', subject: endpoint.address, what: `does not answer: ${reason}`, fix }
    return [finding]
  })
  signal.throwIfAborted()
  return [...findings.flat(), ...checkedAll(asked.length, 'ports')]
}

function checkedAll(count: number, what: string): Finding[] {
  if (count <= MOST) return []
  const fix = 'name a service to look at it alone'
  return [{ severity: 'info', subject: what, what: `only ${MOST} of ${count} were looked at`, fix }]
}
