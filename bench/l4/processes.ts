import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A process that was started for a benchmark. */
export interface Started {
  readonly pid: number
  /** The port it listens on. */
  readonly port: number
  stop(): Promise<void>
}

/** Starts a process and waits until its stdout tells the port, or until `port` accepts connections. */
export async function startProcess(
  command: string,
  args: readonly string[],
  port: { readonly known: number } | { readonly read: (line: string) => number },
): Promise<Started> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)))
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${command} exited with ${code as number}: ${log}`)
  })
  const ready = 'known' in port ? accepting(port.known) : firstLine(child).then(port.read)
  const bound = await Promise.race([ready, failed])
  failed.catch(() => undefined)
  return {
    pid: child.pid!,
    port: bound,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      // Not SIGKILL at first: nginx's workers would outlive it.
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      await exited
      clearTimeout(timer)
    },
  }
}

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

/** CPU time that a process and its children have used so far, microseconds. Linux only. */
export function cpuMicroseconds(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  const tasks = readdirSync(`/proc/${pid}/task`)
  const own = tasks.reduce((sum, task) => {
    const [nanoseconds] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')
    return sum + Number(nanoseconds) / 1000
  }, 0)
  return children.reduce((sum, child) => sum + cpuMicroseconds(Number(child)), own)
}

async function accepting(port: number): Promise<number> {
  const { connect } = await import('node:net')
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const connected = await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    )
    socket.destroy()
    if (connected) return port
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`nothing listens on port ${port}`)
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout!) {
    text += String(chunk)
    const end = text.indexOf('\n')
    if (end >= 0) return text.slice(0, end)
  }
  throw new Error('no output')
}
