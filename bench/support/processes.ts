import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

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

/** Memory of a process and its children that is resident now, bytes. Linux only. */
export function residentBytes(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? ['', '0']
  return children.reduce((sum, child) => sum + residentBytes(Number(child)), Number(kilobytes) * 1024)
}

async function accepting(port: number): Promise<number> {
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

/** The first line of the child's output. What follows is read and forgotten. */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const stdout = child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end < 0) return
      stdout.removeAllListeners('data').resume()
      resolve(text.slice(0, end))
    })
  })
}

/** The path of an installed program. Throws where it is missing. */
export function program(name: string): string {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
  const path = directories.map((directory) => join(directory, name)).find((candidate) => existsSync(candidate))
  if (!path) throw new Error(`${name} is not installed`)
  return path
}

/** A port of 127.0.0.1 that was free just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
