import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const RUN_JS = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** Wall time of a Node process from spawn to exit, milliseconds. Throws where it fails. */
export async function wallTime(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const begin = performance.now()
  const child = spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, ...env } })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`node ${args.join(' ')} exited with ${code}`)
  return performance.now() - begin
}

export interface RegistryProcess {
  readonly endpoint: string
  close(): Promise<void>
}

/** `fairlead registry` on a free port, as a process of its own. */
export async function startRegistryProcess(): Promise<RegistryProcess> {
  const args = [RUN_JS, 'registry', '--listen', '127.0.0.1:0', '-o', 'ndjson']
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string]
  const { endpoint } = JSON.parse(line) as { endpoint: string }
  return {
    endpoint,
    async close() {
      child.kill()
      await once(child, 'exit')
    },
  }
}
