import { compareText } from '../model/order.js'
import type { SkippedRecord } from '../model/snapshot.js'
import type { KeyLayout } from '../registry/keys.js'
import type { Registered } from '../registry/record.js'
import { decodeService } from '../registry/service-records.js'
import type { Entry } from '../registry/store.js'
import { checkConfig } from './check-config.js'
import type { Finding, Severity } from './finding.js'

/** The entries of one service, and what they say. */
export interface ServiceEntries {
  readonly service: string
  readonly registered: readonly Registered[]
  readonly findings: readonly Finding[]
}

/** Reads every entry below the prefix, or those of one service. */
export function checkRecords(layout: KeyLayout, entries: readonly Entry[], only?: string): ServiceEntries[] {
  const services = new Map<string, Entry[]>()
  for (const entry of entries) {
    const parsed = layout.parse(entry.key)
    if (parsed === undefined || parsed.kind === 'gone' || (only !== undefined && parsed.service !== only)) continue
    const own = services.get(parsed.service)
    if (own) own.push(entry)
    else services.set(parsed.service, [entry])
  }
  return [...services].sort(([a], [b]) => compareText(a, b)).map(([service, own]) => checkService(layout, service, own))
}

/** Keys below the prefix that stand for nothing. */
export function checkForeignKeys(layout: KeyLayout, entries: readonly Entry[]): Finding[] {
  return entries
    .filter(({ key }) => layout.parse(key) === undefined)
    .map(({ key }) => ({
      severity: 'warning',
      check: 'keys',
      subject: key,
      what: 'no reader understands this key',
      fix: `write records at ${layout.root}SERVICE/ADDRESS; keep other things elsewhere`,
    }))
}

function checkService(layout: KeyLayout, service: string, entries: readonly Entry[]): ServiceEntries {
  const { registered, skipped } = decodeService(layout, entries)
  const findings = [
    ...skipped.map((record) => checkSkipped(service, record)),
    ...checkIds(service, registered),
    ...checkTraffic(service, registered),
    ...registered.flatMap((record) => checkPermanent(service, record)),
  ]
  const config = entries.find(({ key }) => layout.parse(key)?.kind === 'config')
  if (config !== undefined) findings.push(...checkConfig(service, config, registered.length))
  return { service, registered, findings }
}

function checkSkipped(service: string, { key, reason }: SkippedRecord): Finding {
  const place = { service, subject: key }
  return reason.startsWith('repeats ')
    ? { ...place, severity: 'warning', check: 'duplicates', what: reason, fix: 'delete one of the two keys' }
    : {
        ...place,
        severity: 'error',
        check: 'records',
        what: `unreadable: ${reason}`,
        fix: 'write it again, or delete the key',
      }
}

/** An id stands for one instance: what goes by it, such as sticky sessions, takes two of one id for the same. */
function checkIds(service: string, registered: readonly Registered[]): Finding[] {
  const first = new Map<string, string>()
  return registered.flatMap(({ key, endpoint: { id, address } }): Finding[] => {
    const other = first.get(id)
    if (other === undefined) first.set(id, address)
    if (other === undefined) return []
    const what = `has the id ${JSON.stringify(id)} of ${other} too`
    const fix = 'give each process an id of its own (register --id), or none'
    return [{ severity: 'warning', check: 'duplicates', service, subject: key, what, fix }]
  })
}

function checkTraffic(service: string, registered: readonly Registered[]): Finding[] {
  const servers = registered.map(({ endpoint }) => endpoint).filter(({ role }) => role === 'server')
  const finding = (severity: Severity, what: string, fix: string): Finding[] => [
    { severity, check: 'traffic', service, subject: service, what, fix },
  ]
  if (servers.length === 0) return []
  if (servers.every(({ state }) => state !== 'ready')) {
    const what = `none of ${servers.length} endpoints takes new traffic: all drain or are in maintenance`
    return finding('error', what, `fairlead set ${service} ADDRESS --state ready`)
  }
  if (servers.every(({ state, weight }) => state !== 'ready' || weight === 0)) {
    return finding('warning', 'every ready endpoint has weight 0', `fairlead set ${service} ADDRESS --weight N`)
  }
  return []
}

function checkPermanent(service: string, { key, lease }: Registered): Finding[] {
  if (lease !== 0n) return []
  const what = 'has no lease: it stays when its process is gone'
  const fix = 'if its process can end, let "fairlead register" keep it under a lease'
  return [{ severity: 'info', check: 'leases', service, subject: key, what, fix }]
}
