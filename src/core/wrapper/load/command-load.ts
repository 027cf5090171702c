import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '../../runtime.js'
import type { LoadSource } from './load-source.js'

export interface CommandLoadOptions {
  /** For `sh -c`. */
  readonly command: string
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>
  /** How long it may take, milliseconds. */
  readonly timeoutMs: number
}

/** More of what a command prints is not looked at. */
const MAX_CHARS = 4096

/** The load that a shell command prints each time it is run: the first number, 0 to 1 or a percentage. */
export function commandLoad(options: CommandLoadOptions, clock: Clock): LoadSource {
  return { sample: async (signal) => parseLoad(await outputOf(options, clock, signal)) }
}

/** Throws what is wrong with the text as a reason. */
export function parseLoad(text: string): number {
  const [, digits, percent] = /(?<![\w.])(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(%?)/i.exec(text) ?? []
  if (digits === undefined) throw new Error(`it printed no number: ${JSON.stringify(text.trim().slice(0, 40))}`)
  const load = percent ? Number(digits) / 100 : Number(digits)
  if (load >= 0 && load <= 1) return load
  throw new Error(`it printed ${digits}${percent}, which is neither from 0 to 1 nor from 0% to 100%`)
}

function outputOf({ command, env, timeoutMs }: CommandLoadOptions, clock: Clock, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    const end = () => killGroup(child)
    const cancel = clock.after(timeoutMs, () => {
      reject(new Error(`it took longer than ${timeoutMs / 1000}s`))
      end()
    })
    process.once('exit', end)
    signal.addEventListener('abort', end)
    const settle = () => {
      cancel()
      process.off('exit', end)
      signal.removeEventListener('abort', end)
    }
    const output = gather(child.stdout)
    const complaint = gather(child.stderr)
    child.on('error', (error) => {
      settle()
      reject(error)
    })
    child.on('close', (code, killer) => {
      settle()
      if (code === 0) return resolve(output())
      const how = code === null ? `it was ended by ${killer}` : `it ended with status ${code}`
      const why = complaint().trim().split('\n', 1)[0]!
      reject(new Error(why === '' ? how : `${how}: ${why.slice(0, 200)}`))
    })
  })
}

/** Reads to the end and keeps the beginning. */
function gather(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < MAX_CHARS) text += chunk
  })
  return () => text.slice(0, MAX_CHARS)
}

/** With whatever it has started. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
