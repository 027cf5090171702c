import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { FairleadError } from '../core/errors.js'
import type { Clock } from '../core/runtime.js'

/** How long a program may take to end before it is killed. */
const STOP_TIMEOUT_MS = 10_000
const KEPT_COMPLAINTS = 5

export interface ProgramOptions {
  /** For people: what an error calls it. */
  readonly name: string
  /** Arguments of Node. */
  readonly args: readonly string[]
  /** Called with each JSON document it writes to stdout, one a line. Anything else there counts as its failure. */
  readonly onDocument?: (document: unknown) => void
  /** Called when it has ended because it was asked to. */
  readonly onEnd?: () => void
}

export interface Program {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined
  /** Asks it to end (SIGTERM), kills its process group if it does not, and resolves when it is gone. Idempotent. */
  stop(): Promise<void>
}

/**
 * Child processes that live and die together. Each is the leader of a process group of its own, so that a terminal's
 * Ctrl-C reaches none of them. When this process dies without closing the tree, a guardian process ends what is left of it.
 */
export class ProcessTree {
  readonly #clock: Clock
  readonly #env: NodeJS.ProcessEnv
  readonly #guardian: ChildProcess
  readonly #running = new Map<ChildProcess, Program>()
  #fail: (error: unknown) => void = () => {}
  /** Rejects as soon as a program ends that nobody asked to. Never resolves. */
  readonly failed = new Promise<never>((_resolve, reject) => (this.#fail = reject))

  /** `env` is what every program gets; `guardian` the arguments of Node that run the guardian program. */
  constructor(guardian: readonly string[], env: NodeJS.ProcessEnv, clock: Clock) {
    this.#clock = clock
    this.#env = env
    this.#guardian = spawn(process.execPath, guardian, { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env })
    this.#guardian.on('error', (error) => this.#fail(error))
    this.#guardian.stdin!.on('error', () => {})
    this.failed.catch(() => {})
  }

  start(options: ProgramOptions): Program {
    const child = spawn(process.execPath, options.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: this.#env,
    })
    const complaints: string[] = []
    let stopping: Promise<void> | undefined
    const closed = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        this.#fail(new FairleadError('INTERNAL', `${options.name} did not start`, { cause: error }))
        resolve()
      })
      child.once('close', (code, signal) => {
        this.#running.delete(child)
        this.#guardian.stdin!.write(`-${child.pid}\n`)
        if (stopping) options.onEnd?.()
        else this.#fail(unexpectedEnd(options.name, code, signal, complaints))
        resolve()
      })
    })
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line, options))
    createInterface({ input: child.stderr }).on('line', (line) => {
      complaints.push(line)
      if (complaints.length > KEPT_COMPLAINTS) complaints.shift()
    })
    const program: Program = {
      pid: child.pid,
      stop: () => (stopping ??= this.#stop(child, closed)),
    }
    if (child.pid !== undefined) {
      this.#running.set(child, program)
      this.#guardian.stdin!.write(`+${child.pid}\n`)
    }
    return program
  }

  #read(line: string, { name, onDocument }: ProgramOptions): void {
    let document: unknown
    try {
      document = JSON.parse(line)
    } catch (cause) {
      return this.#fail(new FairleadError('INTERNAL', `${name} wrote what is not JSON: ${line}`, { cause }))
    }
    onDocument?.(document)
  }

  async #stop(child: ChildProcess, closed: Promise<void>): Promise<void> {
    const cancel = this.#clock.after(STOP_TIMEOUT_MS, () => signalGroup(child, 'SIGKILL'))
    child.kill('SIGTERM')
    await closed
    cancel()
  }

  /** Ends every program and resolves when the last is gone. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((program) => program.stop()))
    const gone = this.#guardian.exitCode !== null || this.#guardian.signalCode !== null
    this.#guardian.stdin!.end()
    if (!gone) await once(this.#guardian, 'exit')
  }
}

function unexpectedEnd(name: string, code: number | null, signal: NodeJS.Signals | null, complaints: string[]) {
  const how = signal ? `was killed by ${signal}` : `exited with status ${code}`
  const last = complaints.length > 0 ? `: ${complaints.join(' | ')}` : ''
  return new FairleadError('INTERNAL', `${name} ${how} in the middle of the demo${last}`, {
    hint: 'start the demo again; if it repeats, the text above is what that program said last',
  })
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // The group is gone already.
  }
}
