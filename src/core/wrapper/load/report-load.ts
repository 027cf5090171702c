import type { Registration } from '../../registry/registration.js'
import { type Runtime, sleep } from '../../runtime.js'
import { LoadFilter } from './load-filter.js'
import type { LoadSource } from './load-source.js'

/** The time between two looks, each look up to this part longer, so that instances do not write in step. */
const JITTER = 0.2

export interface LoadReportOptions {
  readonly source: LoadSource
  /** The least time between two writes, milliseconds. */
  readonly intervalMs: number
  /** The load cannot be read, for the first time or after it could be. Must not throw. */
  readonly onFailure?: (reason: string) => void
}

/**
 * Keeps the load of an instance in its record until `signal` aborts or the registration ends. Writes only while it is
 * registered: what is not there is not brought up to date. While the load cannot be read the record says nothing of it.
 */
export async function reportLoad(
  registration: Registration,
  { source, intervalMs, onFailure }: LoadReportOptions,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<void> {
  const filter = new LoadFilter()
  let isFailing = false
  while (!signal.aborted && registration.state !== 'closed') {
    try {
      const sample = await source.sample(signal)
      isFailing = false
      if (sample !== undefined) filter.take(sample)
    } catch (error) {
      if (signal.aborted) return
      filter.take(undefined)
      if (!isFailing) onFailure?.((error as Error).message)
      isFailing = true
    }
    const load = filter.change(registration.endpoint.load)
    if (load !== undefined && registration.state === 'registered' && !signal.aborted) {
      // It ends with the registration, if not before: nothing is to be said of that here.
      await registration.update({ load }).catch(() => undefined)
    }
    const pause = intervalMs * (1 + JITTER * runtime.random.next())
    await sleep(runtime.clock, pause, signal).catch(() => undefined)
  }
}
