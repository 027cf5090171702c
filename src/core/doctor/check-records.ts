import { FairleadError } from '../errors.js'
import { parseServiceConfig } from '../balancer/service-config.js'
import { compareText } from '../model/order.js'
import type { KeyLayout } from '../registry/keys.js'
import type { Registered } from '../registry/record.js'
import { decodeServiceConfig } from '../registry/service-config.js'
import { decodeService } from '../registry/service-records.js'
import type { Entry } from '../registry/store.js'
import type { Finding } from './finding.js'

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
      subject: key,
      what: 'no reader understands this key',
      fix: `write records at ${layout.root}SERVICE/ADDRESS; keep other things elsewhere`,
    }))
}

function checkService(layout: KeyLayout, service: string, entries: readonly Entry[]): ServiceEntries {
  const { registered, skipped } = decodeService(layout, entries)
  const findings: Finding[] = skipped.map(({ key, reason }) =>
    reason.startsWith('repeats ')
      ? { severity: 'warning', subject: key, what: reason, fix: 'delete one of the two keys' }
      : { severity: 'error', subject: key, what: `unreadable: ${reason}`, fix: 'write it again, or delete the key' },
  )
  findings.push(...checkTraffic(service, registered), ...registered.flatMap(checkPermanent))
  const config = entries.find(({ key }) => layout.parse(key)?.kind === 'config')
  if (config !== undefined) findings.push(...checkConfig(service, config, registered.length))
  return { service, registered, findings }
}

function checkTraffic(service: string, registered: readonly Registered[]): Finding[] {
  const servers = registered.map(({ endpoint }) => endpoint).filter(({ role }) => role === 'server')
  const finding = (severity: Finding['severity'], what: string, fix: string) => [
    { severity, subject: service, what, fix },
  ]
  if (servers.length === 0) return []
  if (servers.every(({ state }) => state !== 'ready')) {
    const fix = `fairlead set ${service} ADDRESS --state ready`
    return finding(
      'error',
      `none of ${servers.length} endpoints takes new traffic: all drain or are in maintenance`,
      fix,
    )
  }
  if (servers.every(({ state, weight }) => state !== 'ready' || weight === 0)) {
    return finding('warning', 'every ready endpoint has weight 0', `fairlead set ${service} ADDRESS --weight N`)
  }
  return []
}

function checkPermanent({ key, lease }: Registered): Finding[] {
  if (lease !== 0n) return []
  const fix = 'if its process can end, let "fairlead register" keep it under a lease'
  return [{ severity: 'info', subject: key, what: 'has no lease: it stays when its process is gone', fix }]
}

function checkConfig(service: string, entry: Entry, endpoints: number): Finding[] {
  const fix = `fairlead config set ${service} JSON, or fairlead config unset ${service}`
  const decoded = decodeServiceConfig(entry)
  if ('reason' in decoded) return [{ severity: 'error', subject: entry.key, what: decoded.reason, fix }]
  try {
    parseServiceConfig(decoded.config)
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error
    return [{ severity: 'error', subject: entry.key, what: `nobody understands it: ${error.message}`, fix }]
  }
  if (endpoints > 0) return []
  return [{ severity: 'info', subject: entry.key, what: `${service} has a service config and no endpoints`, fix }]
}
