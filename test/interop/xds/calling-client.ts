import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { grpcBootstrap } from '../../../src/core/control-plane/xds/bootstrap.js'

/** How calls went for a while: how many each server answered, by the servers' names, and what failed. */
export interface Calls {
  readonly counts: Readonly<Record<string, number>>
  readonly errors: readonly string[]
}

export interface CallingClientOptions {
  /** A program that calls a target without pause and reports on demand: what to run, and its first arguments. */
  readonly program: readonly string[]
  readonly service: string
  readonly xdsPort: number
  readonly zone?: string
  /** The file with the certificate that the xDS server is known by. Default: it has none. */
  readonly ca?: string
  /** Whether calls wait for a service that is not there yet. */
  readonly waitForReady?: boolean
}

/** A real gRPC client in a process of its own that learns about servers by xDS. */
export class CallingClient {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  /** Everything that failed since it started. */
  readonly errors: string[] = []

  constructor({ program, service, xdsPort, zone, ca, waitForReady }: CallingClientOptions) {
    const [command, ...args] = program
    const server = `127.0.0.1:${xdsPort}`
    const tls = ca === undefined ? undefined : { ca }
    const bootstrap = grpcBootstrap({ server, nodeId: 'caller', zone, tls })
    const env = { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) }
    const rest = [`xds:///${service}`, ...(waitForReady ? ['wait'] : [])]
    this.#child = spawn(command!, [...args, ...rest], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdin!.on('error', () => undefined)
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** How calls went since the last time. */
  async report(): Promise<Calls> {
    this.#child.stdin!.write('report\n')
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the client has ended')
    const calls = JSON.parse(value) as Calls
    this.errors.push(...calls.errors)
    return calls
  }

  /** How the next calls go, at least so many good ones. Fails where they do not come within 20 s. */
  async next(count: number): Promise<Calls> {
    await this.report()
    const counts: Record<string, number> = {}
    const errors: string[] = []
    for (let attempt = 0; attempt < 400; attempt++) {
      await pause(50)
      const calls = await this.report()
      for (const [name, n] of Object.entries(calls.counts)) counts[name] = (counts[name] ?? 0) + n
      errors.push(...calls.errors)
      if (Object.values(counts).reduce((sum, n) => sum + n, 0) >= count) return { counts, errors }
    }
    throw new Error(`fewer than ${count} calls: ${JSON.stringify(counts)} ${errors.slice(0, 3).join('; ')}`)
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
