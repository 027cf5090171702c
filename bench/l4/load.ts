import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Runs the load generator to its end. Throws when anything went wrong. */
export async function load(port: number, kind: string, count: number, concurrency: number): Promise<void> {
  const script = fileURLToPath(new URL('load.mjs', import.meta.url))
  const args = [script, String(port), kind, String(count), String(concurrency)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(timer)
  if (code !== 0) throw new Error(`${kind} load failed: ${log}`)
}
