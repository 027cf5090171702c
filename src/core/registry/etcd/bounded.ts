import { FairleadError } from '../../errors.js'
import type { Clock } from '../../runtime.js'
import { NoAnswer } from './errors.js'

export interface Bounds {
  readonly clock: Clock
  readonly timeoutMs: number
  /** The first one to abort ends the wait. */
  readonly signals: readonly AbortSignal[]
}

/** What a call that was ended by `signal` fails with. */
function abortError(signal: AbortSignal): FairleadError {
  if (signal.reason instanceof FairleadError && signal.reason.code === 'ABORTED') return signal.reason
  return new FairleadError('ABORTED', 'the call was aborted', { cause: signal.reason })
}

/**
 * Waits for `start` to settle, for the time to run out (NoAnswer) or for a signal to abort (ABORTED), whichever comes
 * first. `start` returns how to cancel what it began, which is called unless it settled first.
 */
export function bounded<T>(
  { clock, timeoutMs, signals }: Bounds,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const aborted = signals.find((signal) => signal.aborted)
    if (aborted) return reject(abortError(aborted))
    let settled = false
    const settle = () => {
      if (settled) return false
      settled = true
      stopTimer()
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
      return true
    }
    const end = (error: Error) => {
      if (!settle()) return
      reject(error)
      cancel()
    }
    const onAbort = (event: Event) => end(abortError(event.target as AbortSignal))
    const stopTimer = clock.after(Math.max(0, timeoutMs), () => end(new NoAnswer(timeoutMs)))
    for (const signal of signals) signal.addEventListener('abort', onAbort)
    const cancel = start(
      (value) => settle() && resolve(value),
      (error) => settle() && reject(error as Error),
    )
  })
}
