import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const RUN_JS = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

export interface CliOptions {
  /** Added to the environment, from which every FAIRLEAD_*, ETCDCTL_* and colour variable is removed. */
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Buffer
  /** Milliseconds until the process is killed. Default 25,000. */
  readonly timeout?: number
  readonly cwd?: string
}

export interface CliResult {
  /** null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCli {
  readonly pid: number
  readonly child: ChildProcess
  /** What it has written so far. */
  readonly stdout: string
  readonly stderr: string
  /** The first line on either stream that matches, past or to come. Fails when the process ends first or time is up (20 s). */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<string>
  /** Sends a signal (default SIGTERM) to the process. */
  signal(signal?: NodeJS.Signals): void
  /** Resolves when the process has ended and its output is complete. */
  readonly ended: Promise<CliResult>
}

/** Runs `fairlead ARGS` to its end. */
export async function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const cli = launch(args, options)
  const timer = setTimeout(() => cli.child.kill('SIGKILL'), options.timeout ?? 25_000)
  try {
    return await cli.ended
  } finally {
    clearTimeout(timer)
  }
}

/** Starts `fairlead ARGS` and lets it run; it is killed, if still alive, when the test ends. Only within a test. */
export function start(args: readonly string[], options: CliOptions = {}): RunningCli {
  const cli = launch(args, options)
  onTestFinished(async () => {
    cli.child.kill('SIGKILL')
    await cli.ended
  })
  return cli
}

/** Like `start` for a whole suite: the caller ends it. */
export function launch(args: readonly string[], options: CliOptions = {}): RunningCli {
  const child = spawn(process.execPath, [RUN_JS, ...args], {
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input)
  const text = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      for (const check of watchers) check()
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...text }) as CliResult)

  return {
    pid: child.pid!,
    child,
    ended,
    get stdout() {
      return text.stdout
    },
    get stderr() {
      return text.stderr
    },
    signal: (signal = 'SIGTERM') => void child.kill(signal),
    waitForLine: (pattern, timeoutMs = 20_000) =>
      new Promise((resolve, reject) => {
        const find = () =>
          [text.stderr, text.stdout]
            .flatMap((output) => output.split('\n').slice(0, -1))
            .find((line) => pattern.test(line))
        const finish = (conclude: () => void) => {
          clearTimeout(timer)
          watchers.delete(check)
          conclude()
        }
        const fail = (why: string) =>
          finish(() => reject(new Error(`${why} without a line matching ${pattern}\n${text.stdout}\n${text.stderr}`)))
        const check = () => {
          const line = find()
          if (line !== undefined) finish(() => resolve(line))
        }
        const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs)
        watchers.add(check)
        void ended.then(() => {
          check()
          if (watchers.has(check)) fail('the process ended')
        })
        check()
      }),
  }
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(FAIRLEAD_|ETCDCTL_|NO_COLOR$|FORCE_COLOR$|NODE_ENV$|VITEST)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}
