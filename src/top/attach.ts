import type { LocalSocket } from '../core/admin/runtime-folder.js'
import { FairleadError } from '../core/errors.js'
import { aborted, type Clock } from '../core/runtime.js'
import { LocalProxies } from './admin/local-proxies.js'
import type { Source } from './source.js'

/** All that a view is attached to. */
export interface Attachment {
  readonly sources: readonly Source[]
  /** Ends every source. Idempotent. */
  close(): void
}

/**
 * Waits until each of `sources` has something to show, or has not come to it, and no longer than until `signal` aborts. Those that failed
 * go on trying; where all did, they are closed and the error of the first is thrown.
 */
export async function attachTo(sources: readonly Source[], signal: AbortSignal): Promise<Attachment> {
  const close = () => sources.forEach((source) => source.close())
  const failures = await failuresOf(sources, signal)
  if (failures.length < sources.length) return { sources, close }
  close()
  throw failures[0]
}

/** The same for every process of this user that can be looked into, now and later. Throws NOT_FOUND where there is none now. */
export async function attachToLocal(
  find: () => Promise<readonly LocalSocket[]>,
  open: (socket: LocalSocket) => Source,
  clock: Clock,
  signal: AbortSignal,
): Promise<Attachment> {
  const proxies = new LocalProxies(find, open, clock)
  await proxies.start()
  if (proxies.sources.length === 0) {
    proxies.close()
    throw noProxy()
  }
  await failuresOf(proxies.sources, signal)
  return proxies
}

/** What there is to say where no proxy of this user runs. */
export function noProxy(): FairleadError {
  return new FairleadError('NOT_FOUND', 'no proxy of this user runs on this machine', {
    hint: 'start one (fairlead proxy 8080=web), name one (fairlead top HOST:PORT), try fairlead demo, or follow a service without a proxy (fairlead top --service web)',
  })
}

/** None where `signal` aborts first. */
async function failuresOf(sources: readonly Source[], signal: AbortSignal): Promise<unknown[]> {
  const settled = Promise.allSettled(sources.map(({ ready }) => ready))
  const outcomes = (await Promise.race([settled, aborted(signal)])) ?? []
  return outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }): unknown => reason)
}
