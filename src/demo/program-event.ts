import { FairleadError } from '../core/errors.js'
import type { Clock } from '../core/runtime.js'

const TIMEOUT_MS = 30_000

/** A line of `-o ndjson`, as the long-running commands write it. */
export interface ProgramEvent {
  readonly event?: string
  readonly listen?: string
}

/** Waits for one kind of event from a program. */
export class EventWaiter {
  readonly event: Promise<ProgramEvent>
  /** Give it every event of the program. */
  readonly offer: (event: ProgramEvent) => void

  /** `event` rejects when the signal aborts, and with TIMEOUT after 30 s. */
  constructor(program: string, kind: string, clock: Clock, signal: AbortSignal) {
    let settle: (event: ProgramEvent) => void = () => {}
    this.event = new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const onAbort = () => {
        cancel()
        reject(signal.reason as Error)
      }
      const cancel = clock.after(TIMEOUT_MS, () => {
        signal.removeEventListener('abort', onAbort)
        reject(new FairleadError('TIMEOUT', `${program} was not ready within ${TIMEOUT_MS / 1000} s`))
      })
      signal.addEventListener('abort', onAbort, { once: true })
      settle = (event) => {
        cancel()
        signal.removeEventListener('abort', onAbort)
        resolve(event)
      }
    })
    this.offer = (event) => {
      if (event.event === kind) settle(event)
    }
  }
}
