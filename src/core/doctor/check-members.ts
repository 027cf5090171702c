import type { MemberStatus } from '../registry/store.js'
import type { Finding } from './finding.js'

/** Milliseconds for what takes a few in a registry that is well. */
const SLOW_MS = 500
/** etcd's default quota is 2 GiB; at it, every write is refused. */
const LARGE_BYTES = 1.6 * 1024 ** 3
const OLDEST_VERSION = [3, 4]

/** What the members of the registry say about themselves. At least one of them answered. */
export function checkMembers(members: readonly MemberStatus[]): Finding[] {
  return [...members.flatMap(checkMember), ...checkSameCluster(members)]
}

function checkMember(member: MemberStatus): Finding[] {
  const { endpoint: subject, error, latencyMs = 0, version, dbSizeBytes = 0, problems } = member
  if (error !== undefined) {
    const fix = 'start it, or take it out of --endpoints; the others are used meanwhile'
    return [{ severity: 'warning', check: 'members', subject, what: `does not answer: ${error.message}`, fix }]
  }
  const findings: Finding[] = problems.map((what) => ({
    severity: 'error',
    check: 'members',
    subject,
    what,
    fix: fixFor(what),
  }))
  if (latencyMs > SLOW_MS) {
    const fix = 'look at its disk and its load: registrations are lost when renewals come too late'
    findings.push({
      severity: 'warning',
      check: 'latency',
      subject,
      what: `took ${Math.round(latencyMs)} ms to answer`,
      fix,
    })
  }
  if (version !== undefined && isTooOld(version)) {
    const fix = `upgrade it: fairlead is tested with ${OLDEST_VERSION.join('.')} and newer`
    findings.push({ severity: 'warning', check: 'members', subject, what: `runs etcd ${version}`, fix })
  }
  if (dbSizeBytes > LARGE_BYTES) {
    const what = `its database is ${(dbSizeBytes / 1024 ** 3).toFixed(1)} GiB large`
    const fix = 'compact and defragment it before it reaches its quota (2 GiB by default) and refuses writes'
    findings.push({ severity: 'warning', check: 'members', subject, what, fix })
  }
  return findings
}

function fixFor(problem: string): string {
  if (problem.startsWith('out of space')) return 'etcdctl compact, etcdctl defrag, then etcdctl alarm disarm'
  if (problem.includes('leader')) return 'bring back enough members for a majority'
  return 'see its log'
}

/** How long requests took, in milliseconds; undefined for what was not asked. */
export function checkLatency(subject: string, readMs: number, writeMs: number | undefined): Finding[] {
  const slow = (what: string, fix: string): Finding => ({ severity: 'warning', check: 'latency', subject, what, fix })
  return [
    ...(readMs > SLOW_MS
      ? [
          slow(
            `reading it took ${Math.round(readMs)} ms`,
            'look at the network to it, its load, and how much lies there',
          ),
        ]
      : []),
    ...((writeMs ?? 0) > SLOW_MS
      ? [
          slow(
            `its members took ${Math.round(writeMs!)} ms to agree on a write`,
            'look at their disks and the network between them',
          ),
        ]
      : []),
  ]
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < OLDEST_VERSION[0]! || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1]!)
}

function checkSameCluster(members: readonly MemberStatus[]): Finding[] {
  const ids = new Set(members.flatMap(({ clusterId }) => clusterId ?? []))
  if (ids.size < 2) return []
  const subject = members.map(({ endpoint }) => endpoint).join(',')
  const fix = 'name the members of one cluster in --endpoints'
  return [{ severity: 'error', check: 'members', subject, what: `these are ${ids.size} different clusters`, fix }]
}
