import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Clock } from '../runtime.js'

export interface ChildOptions {
  /** Program and arguments, passed on as they are; no shell. */
  readonly command: readonly [string, ...string[]]
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>
}

/** A program that runs in a process group of its own, with our standard streams. */
export interface Child {
  /** That of its process and of its group; undefined where it could not be started. */
  readonly pid: number | undefined
  /** Why the program could not be started; undefined where it was. */
  readonly startError: Promise<Error | undefined>
  /** The exit status a shell would give: its own, 128 + n where signal n ended it, 127 not found, 126 not executable. */
  readonly ended: Promise<number>
  /** Sends a signal to its whole group. Nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): void
  /** Asks it to end (SIGTERM), and makes it (SIGKILL) after `timeoutMs`. Resolves with its status. */
  stop(timeoutMs: number, clock: Clock): Promise<number>
}

/** Signals to the process that are the child's business. SIGINT and SIGTERM are not: they begin the orderly end. */
const FORWARDED = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const

const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/**
 * Starts a program. It leads its own process group, so that signals reach whatever it starts as well and a Ctrl-C at the terminal comes to us
 * alone. Signals that are its business are forwarded; if our process exits first, the group is killed.
 */
export function startChild({ command: [program, ...args], env }: ChildOptions): Child {
  let child: ChildProcess | undefined
  let over = false
  const signal = (name: NodeJS.Signals) => {
    if (!over && child?.pid !== undefined) signalGroup(child.pid, name)
  }
  const killOnExit = () => signal('SIGKILL')
  const listen = () => {
    for (const name of FORWARDED) process.on(name, signal)
    process.on('exit', killOnExit)
  }
  const unlisten = () => {
    for (const name of FORWARDED) process.off(name, signal)
    process.off('exit', killOnExit)
  }
  // Before the child is there: it may be heard of, and we be signalled for it, before `spawn` returns.
  listen()
  try {
    child = spawn(program, args, { detached: true, stdio: 'inherit', env: { ...process.env, ...env } })
  } catch (error) {
    unlisten()
    throw error
  }
  const ended = statusOf(child).finally(() => {
    over = true
    unlisten()
  })
  return {
    pid: child.pid,
    startError: startErrorOf(child),
    ended,
    signal,
    async stop(timeoutMs, clock) {
      signal('SIGTERM')
      // A group that is stopped would not hear of it.
      signal('SIGCONT')
      const cancel = clock.after(timeoutMs, killOnExit)
      return ended.finally(cancel)
    },
  }
}

function startErrorOf(child: ChildProcess): Promise<Error | undefined> {
  return new Promise((resolve) => {
    child.on('spawn', () => resolve(undefined))
    child.on('error', resolve)
  })
}

function statusOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      // An error can also tell that a signal could not be sent; only one without a process is the end.
      if (child.pid === undefined) resolve(error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE)
    })
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: it has just ended. EPERM: it has given up our user; it can only be waited for.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}
