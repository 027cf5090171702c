import { Backoff } from '../backoff.js'
import { FairleadError } from '../errors.js'
import { type Runtime, sleep } from '../runtime.js'

/** Enough for a few hundred writers of one record at the same time. */
const MAX_ATTEMPTS = 100

/**
 * Makes guarded writes of one record until one is done: `attempt` reads, writes if nothing changed in between, and returns undefined where
 * something did. Waits a little between two attempts, so that many writers get through. Throws CONFLICT when none ever does, ABORTED when
 * `signal` aborts, and what `attempt` throws.
 */
export async function untilUncontended<T>(
  key: string,
  runtime: Runtime,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const backoff = new Backoff(runtime.random, { initialMs: 10, maxMs: 500 })
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const result = await attempt()
    if (result !== undefined) return result
    await sleep(runtime.clock, backoff.next(), signal)
  }
  throw new FairleadError('CONFLICT', `${key} changes too fast to be written`, { hint: 'try again' })
}
