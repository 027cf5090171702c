import { FairleadError } from '../errors.js'
import { inParallel } from '../in-parallel.js'
import type { KeyLayout } from '../registry/keys.js'
import type { Store } from '../registry/store.js'
import type { Clock } from '../runtime.js'
import type { Finding } from './finding.js'

/** So many services are tried. */
const MOST = 200
const AT_ONCE = 8
/** Names at most in one finding. */
const MOST_NAMES = 5

export interface WriteCheck {
  readonly findings: readonly Finding[]
  /** Whether the user may register in every service tried; undefined where the registry takes no writes at all, or could not tell. */
  readonly permitted: boolean | undefined
  /** Milliseconds until the registry had agreed on a write, where it did. */
  readonly latencyMs: number | undefined
}

/**
 * Finds out, without writing, whether the user may register in services: a transaction whose condition cannot come true is checked by
 * etcd for all that it would do ("checkTxnAuth" looks at both branches), is agreed on by its members like any write, and changes
 * nothing.
 */
export async function checkWrites(
  store: Pick<Store, 'txn'>,
  layout: KeyLayout,
  services: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<WriteCheck> {
  const tried = services.slice(0, MOST)
  const [first, ...others] = tried
  if (first === undefined) return { findings: [], permitted: undefined, latencyMs: undefined }
  const start = clock.now()
  const answer = await tryWrite(store, layout, first, signal)
  const latencyMs = clock.now() - start
  if (answer instanceof FairleadError) {
    return { findings: [noWrites(layout, answer)], permitted: undefined, latencyMs: undefined }
  }
  const answers = await inParallel(others, AT_ONCE, (service) => tryWrite(store, layout, service, signal))
  const barred = tried.filter((_, i) => (i === 0 ? answer : answers[i - 1]) === 'barred')
  const findings = barred.length === 0 ? [] : [notPermitted(layout, barred, tried.length)]
  return { findings, permitted: barred.length === 0, latencyMs: answer === 'allowed' ? latencyMs : undefined }
}

/** An error where the registry itself takes no writes. Throws where the caller stops. */
async function tryWrite(
  store: Pick<Store, 'txn'>,
  layout: KeyLayout,
  service: string,
  signal: AbortSignal,
): Promise<'allowed' | 'barred' | FairleadError> {
  const address = '127.0.0.1:1'
  const keys = [layout.record(service, address, 'server'), layout.tombstone(service, address)]
  try {
    await store.txn(
      {
        when: [{ key: keys[0]!, target: 'version', is: '<', value: 0n }],
        then: keys.map((key) => ({ type: 'put', key, value: '' })),
      },
      { signal },
    )
    return 'allowed'
  } catch (error) {
    if (!(error instanceof FairleadError) || error.code === 'ABORTED') throw error
    return error.code === 'PERMISSION_DENIED' ? 'barred' : error
  }
}

function noWrites(layout: KeyLayout, { message, hint }: FairleadError): Finding {
  const fix = hint ?? 'see the state of its members, and their logs'
  return { severity: 'error', check: 'write', subject: layout.root, what: `takes no writes: ${message}`, fix }
}

function notPermitted(layout: KeyLayout, services: readonly string[], tried: number): Finding {
  const names = services.slice(0, MOST_NAMES).join(', ')
  const which = services.length > MOST_NAMES ? `${names} and ${services.length - MOST_NAMES} more` : names
  const all = services.length === tried && tried > 1
  const [service] = services
  return {
    severity: 'info',
    check: 'write',
    ...(tried === 1 ? { service: service! } : undefined),
    subject: all ? layout.root : layout.records(service!),
    what: `the user may read but not write ${all ? 'any service' : which}: register, set and deregister are refused`,
    fix: `if it is to register: etcdctl role grant-permission ROLE readwrite --prefix=true ${layout.records(service!)}, and ${layout.tombstones(service!)} too`,
  }
}
