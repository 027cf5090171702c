import { FairleadError } from '../errors.js'
import { parseServiceName } from '../model/service.js'
import { KeyLayout } from '../registry/keys.js'
import type { MemberStatus, Store } from '../registry/store.js'
import type { Runtime } from '../runtime.js'
import { checkLeases, checkPorts } from './check-live.js'
import { checkLatency, checkMembers } from './check-members.js'
import { checkForeignKeys, checkRecords } from './check-records.js'
import { checkWrites } from './check-writes.js'
import { bySeverity, type Finding } from './finding.js'
import { readRegistry } from './read-registry.js'

export interface Diagnosis {
  readonly members: readonly MemberStatus[]
  /** Milliseconds that reading took, and agreeing on a write, where that was tried. */
  readonly latency: { readonly readMs: number; readonly writeMs: number | undefined }
  /** Whether the user may read what was asked for, and register in it; undefined where that could not be told. */
  readonly permitted: { readonly read: boolean; readonly write: boolean | undefined }
  /** The services looked at, in order of name. */
  readonly services: readonly string[]
  /** How many endpoints they have. */
  readonly endpoints: number
  /** The worst first. */
  readonly findings: readonly Finding[]
}

export interface DiagnoseOptions {
  readonly prefix: string
  /** Looks at this service alone, and at the registry. */
  readonly service?: string | undefined
  readonly signal: AbortSignal
}

/** Stands for a service where none is registered. */
const ANY_SERVICE = 'any-service'

/**
 * Looks for what is wrong with the registry and with what is registered: reads it, and connects to every endpoint once;
 * changes nothing. Throws UNAVAILABLE where no member answers, UNAUTHENTICATED where none lets the user in.
 */
export async function diagnose(
  store: Pick<Store, 'members' | 'list' | 'get' | 'txn' | 'leaseInfo'>,
  options: DiagnoseOptions,
  { clock }: Runtime,
): Promise<Diagnosis> {
  const { signal } = options
  const only = options.service === undefined ? undefined : parseServiceName(options.service)
  const layout = new KeyLayout(options.prefix)
  const members = await store.members({ signal })
  refuseDeadRegistry(members)

  const {
    entries,
    isReadable,
    latencyMs: readMs,
    findings: barred,
  } = await readRegistry(store, layout, only, clock, signal)
  const services = checkRecords(layout, entries, only)
  const names = services.map(({ service }) => service)
  // A transaction that may not read its condition tells nothing of writing.
  const tried = isReadable ? (names.length > 0 ? names : [only ?? ANY_SERVICE]) : []
  const writes = await checkWrites(store, layout, tried, clock, signal)
  const findings = [
    ...checkMembers(members),
    ...checkLatency(layout.root, readMs, writes.latencyMs),
    ...barred,
    ...writes.findings,
    ...(isReadable ? checkPresence(layout, names.length, only) : []),
    ...services.flatMap((service) => service.findings),
    ...(only === undefined ? checkForeignKeys(layout, entries) : []),
    ...(await checkLeases(store, services, signal)),
    ...(await checkPorts(services, clock, signal)),
  ]
  return {
    members,
    latency: { readMs, writeMs: writes.latencyMs },
    permitted: { read: isReadable, write: writes.permitted },
    services: names,
    endpoints: services.reduce((sum, { registered }) => sum + registered.length, 0),
    findings: bySeverity(findings),
  }
}

function refuseDeadRegistry(members: readonly MemberStatus[]): void {
  if (members.some(({ error }) => error === undefined)) return
  const error = members.find(({ error }) => error instanceof FairleadError)?.error ?? members[0]?.error
  if (error instanceof FairleadError) throw error
  throw new FairleadError('UNAVAILABLE', `no registry endpoint answered: ${error?.message ?? 'none is given'}`, {
    cause: error,
    hint: 'start etcd or "fairlead registry", or set --endpoints',
  })
}

function checkPresence(layout: KeyLayout, services: number, only: string | undefined): Finding[] {
  if (services > 0) return []
  const fix = 'see --prefix, --endpoints and "fairlead services"'
  const check = 'presence'
  if (only === undefined)
    return [{ severity: 'info', check, subject: layout.root, what: 'nothing is registered here', fix }]
  return [{ severity: 'error', check, subject: only, what: `is not registered below ${layout.root}`, fix }]
}
