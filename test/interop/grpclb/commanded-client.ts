import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { eventually } from '../../support/eventually.js'

export interface Report {
  /** Answers by the servers' addresses. */
  readonly counts: Readonly<Record<string, number>>
  /** Failures by what they say. */
  readonly errors: Readonly<Record<string, number>>
}

/** A gRPC client with the policy grpclb in a process of its own, which calls on command. */
export class CommandedClient {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor([program, ...args]: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } })
    this.#child.stdin!.on('error', () => undefined)
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** Makes so many calls, one after the other. */
  call(count: number): Promise<Report> {
    return this.#ask(`call ${count}`)
  }

  /** Begins to call without pause. */
  start(): void {
    this.#child.stdin!.write('start\n')
  }

  stop(): Promise<Report> {
    return this.#ask('stop')
  }

  /** Calls until all of these servers, and no others, answer. */
  settle(servers: readonly { readonly address: string }[], timeoutMs?: number): Promise<true> {
    const expected = servers.map(({ address }) => address).sort()
    return eventually(async () => {
      const { counts } = await this.call(3 * servers.length)
      return Object.keys(counts).sort().join() === expected.join()
    }, timeoutMs)
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.stdin!.end()
    this.#child.kill('SIGKILL')
    await ended
  }

  async #ask(command: string): Promise<Report> {
    this.#child.stdin!.write(`${command}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the client has ended')
    return JSON.parse(value) as Report
  }
}
