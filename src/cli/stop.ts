import { setMaxListeners } from 'node:events'
import { constants } from 'node:os'
import { FairleadError } from '../core/errors.js'

/** Why a command should come to its end. */
export type StopCause = NodeJS.Signals | 'stdout closed'

/**
 * Turns the first SIGINT or SIGTERM, or a stdout nobody reads any more, into an abort; a second signal ends the process
 * at once with 128 + its number (130, 143). Lives as long as the process.
 */
export class Stop {
  readonly #controller = new AbortController()
  #cause: StopCause | undefined

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    setMaxListeners(0, this.#controller.signal)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#onSignal(signal))
    stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') this.#abort('stdout closed')
    })
    stderr.on('error', () => undefined)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The first reason to stop; undefined while there is none. */
  get cause(): StopCause | undefined {
    return this.#cause
  }

  #onSignal(signal: NodeJS.Signals): void {
    if (this.#cause !== undefined && this.#cause !== 'stdout closed') process.exit(signalStatus(signal))
    this.#abort(signal)
  }

  #abort(cause: StopCause): void {
    this.#cause ??= cause
    this.#controller.abort(new FairleadError('ABORTED', `stopped: ${cause}`))
  }
}

/** 128 + the signal's number. */
export function signalStatus(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
