import type { LocalSocket } from '../core/admin/runtime-folder.js'
import { FairleadError } from '../core/errors.js'
import type { Clock } from '../core/runtime.js'
import { LocalProxies } from './admin/local-proxies.js'
import type { Source } from './source.js'

/** All that a view is attached to. */
export interface Attachment {
  readonly sources: readonly Source[]
  /** Ends every source. Idempotent. */
  close(): void
}

/**
 * Waits until each of `sources` has something to show, or has not come to it. Those that failed go on trying; where all did, they are
 * closed and the error of the first is thrown.
 */
export async function attachTo(sources: readonly Source[]): Promise<Attachment> {
  const close = () => sources.forEach((source) => source.close())
  const failures = await failuresOf(sources)
  if (failures.length < sources.length) return { sources, close }
  close()
  throw failures[0]
}

/** The same for every process of this user that can be looked into, now and later. Throws NOT_FOUND where there is none now. */
export async function attachToLocal(
  find: () => Promise<readonly LocalSocket[]>,
  open: (socket: LocalSocket) => Source,
  clock: Clock,
): Promise<Attachment> {
  const proxies = new LocalProxies(find, open, clock)
  await proxies.start()
  if (proxies.sources.length === 0) {
    proxies.close()
    throw noProxy()
  }
  await failuresOf(proxies.sources)
  return proxies
}

/** What there is to say where no proxy of this user runs. */
export function noProxy(): FairleadError {
  return new FairleadError('NOT_FOUND', 'no proxy of this user runs on this machine', {
    hint: 'start one (fairlead proxy 8080=web), name one (fairlead top HOST:PORT), try fairlead demo, or follow a service without a proxy (fairlead top --service web)',
  })
}

async function failuresOf(sources: readonly Source[]): Promise<unknown[]> {
  const outcomes = await Promise.allSettled(sources.map(({ ready }) => ready))
  return outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }): unknown => reason)
}
