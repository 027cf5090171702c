import { FairleadError } from '../errors.js'
import type { KeyLayout } from '../registry/keys.js'
import type { Entry, Store } from '../registry/store.js'
import type { Clock } from '../runtime.js'
import type { Finding, Severity } from './finding.js'

/** What could be read of the registry. */
export interface RegistryReading {
  /** In key order within each place. */
  readonly entries: readonly Entry[]
  /** What the user may not read. */
  readonly findings: readonly Finding[]
  /** Whether the records themselves could be read. */
  readonly isReadable: boolean
  /** Milliseconds that the slowest read took, all pages of it. */
  readonly latencyMs: number
}

interface Place {
  readonly key: string
  /** How bad it is not to be allowed to read it. */
  readonly severity: Severity
  readonly read: () => Promise<readonly Entry[]>
}

/**
 * Reads everything below the prefix, or what concerns one service, place by place: a user may be permitted to read only some. Fails as
 * the store does, but for PERMISSION_DENIED, which becomes a finding.
 */
export async function readRegistry(
  store: Pick<Store, 'list' | 'get'>,
  layout: KeyLayout,
  only: string | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<RegistryReading> {
  const list = (key: string, severity: Severity): Place => ({
    key,
    severity,
    read: async () => (await store.list(key, { signal })).entries,
  })
  const readConfig = async (service: string) => {
    const { entry } = await store.get(layout.config(service), { signal })
    return entry ? [entry] : []
  }
  const places =
    only === undefined
      ? [list(layout.root, 'error')]
      : [
          list(layout.records(only), 'error'),
          list(layout.balancers(only), 'warning'),
          { key: layout.config(only), severity: 'warning' as const, read: () => readConfig(only) },
          list(layout.tombstones(only), 'warning'),
        ]
  const findings: Finding[] = []
  const entries: Entry[] = []
  let latencyMs = 0
  for (const { key, severity, read } of places) {
    const start = clock.now()
    try {
      entries.push(...(await read()))
      latencyMs = Math.max(latencyMs, clock.now() - start)
    } catch (error) {
      if (!(error instanceof FairleadError && error.code === 'PERMISSION_DENIED')) throw error
      findings.push(barred(key, severity))
    }
  }
  return { entries, findings, isReadable: !findings.some(({ severity }) => severity === 'error'), latencyMs }
}

function barred(key: string, severity: Severity): Finding {
  const fix = `etcdctl role grant-permission ROLE read --prefix=true ${key}`
  return { severity, check: 'read', subject: key, what: 'the user is not permitted to read it', fix }
}
