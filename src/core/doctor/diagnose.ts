import { FairleadError } from '../errors.js'
import { parseServiceName } from '../model/service.js'
import { KeyLayout } from '../registry/keys.js'
import type { MemberStatus, Store } from '../registry/store.js'
import type { Runtime } from '../runtime.js'
import { checkLeases, checkPorts } from './check-live.js'
import { checkMembers } from './check-members.js'
import { checkForeignKeys, checkRecords } from './check-records.js'
import { bySeverity, type Finding } from './finding.js'

export interface Diagnosis {
  readonly members: readonly MemberStatus[]
  readonly services: number
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

/**
 * Looks for what is wrong with the registry and with what is registered: reads it, and connects to every endpoint once;
 * writes nothing. Throws UNAVAILABLE where no member answers, and what the registry refuses to let it read.
 */
export async function diagnose(
  store: Pick<Store, 'members' | 'list' | 'leaseInfo'>,
  options: DiagnoseOptions,
  runtime: Runtime,
): Promise<Diagnosis> {
  const { signal } = options
  const only = options.service === undefined ? undefined : parseServiceName(options.service)
  const layout = new KeyLayout(options.prefix)
  const members = await store.members({ signal })
  refuseDeadRegistry(members)

  const { entries } = await store.list(layout.root, { signal })
  const services = checkRecords(layout, entries, only)
  const registered = services.flatMap((service) => service.registered)
  const findings = [
    ...checkMembers(members),
    ...checkPresence(layout, services.length, only),
    ...services.flatMap((service) => service.findings),
    ...(only === undefined ? checkForeignKeys(layout, entries) : []),
    ...(await checkLeases(store, registered, signal)),
    ...(await checkPorts(registered, runtime.clock, signal)),
  ]
  const { length: endpoints } = registered
  return { members, services: services.length, endpoints, findings: bySeverity(findings) }
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
  if (only === undefined) return [{ severity: 'info', subject: layout.root, what: 'nothing is registered here', fix }]
  return [{ severity: 'error', subject: only, what: `is not registered below ${layout.root}`, fix }]
}
