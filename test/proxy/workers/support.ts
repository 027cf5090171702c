import type { Fork, ProcessObserver } from '../../../src/core/proxy/workers/worker-link.js'
import type { Calls, FromWorker, Method, ToWorker } from '../../../src/core/proxy/workers/messages.js'

/** A worker process that does what the test says. */
export class ScriptedWorker {
  /** What the primary asked, in order. */
  readonly calls: { readonly method: Method; readonly argument: Calls[Method] }[] = []
  readonly received: ToWorker[] = []
  alive = true
  /** Called when the process took the message, where the test holds that back. */
  readonly taken: (() => void)[] = []
  readonly #observer: ProcessObserver
  readonly #script: Script

  constructor(observer: ProcessObserver, script: Script) {
    this.#observer = observer
    this.#script = script
    queueMicrotask(() => this.tell({ type: 'ready' }))
  }

  tell(message: FromWorker): void {
    if (this.alive) this.#observer.message(structuredClone(message))
  }

  end(reason: string): void {
    if (!this.alive) return
    this.alive = false
    this.#observer.exited(reason)
  }

  send(message: ToWorker, sent: () => void): void {
    if (!this.alive) return
    this.received.push(message)
    if (this.#script.slow) this.taken.push(sent)
    else queueMicrotask(sent)
    if (message.type !== 'call') return
    const { id, method, argument } = message
    this.calls.push({ method, argument })
    queueMicrotask(() => {
      try {
        const result = this.#script.answer?.(method, this)
        if (result !== SILENT) this.tell({ type: 'answer', id, result })
      } catch (error) {
        this.tell({ type: 'failure', id, error: error as never })
      }
    })
  }
}

/** Instead of an answer: none comes. */
export const SILENT = Symbol('silent')

export interface Script {
  /** What a call is answered with; may throw a SentError. Default: undefined. */
  answer?(method: Method, worker: ScriptedWorker): unknown
  /** Whether messages count as taken only when the test says so. */
  readonly slow?: boolean
}

/** Forks scripted workers, which are in `workers` in the order they were forked. */
export function scriptedFork(script: Script = {}) {
  const workers: ScriptedWorker[] = []
  const fork: Fork = (observer) => {
    const worker = new ScriptedWorker(observer, script)
    workers.push(worker)
    return {
      send: (message, sent = () => {}) => worker.send(message, sent),
      kill: () => queueMicrotask(() => worker.end('SIGKILL')),
    }
  }
  return { fork, workers }
}
