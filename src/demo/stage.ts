import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Clock, sleep } from '../core/runtime.js'
import type { LoadReport } from './load-report.js'
import { EventWaiter, type ProgramEvent } from './program-event.js'
import type { Program, ProcessTree } from './process-tree.js'
import type { DemoState } from './state.js'

const REQUESTS_PER_SECOND = 300
const WEIGHTS = [1, 2, 3] as const
/** Which of them leaves. */
const LEAVER = 2
/** When it leaves, when it is started again at the earliest, and how long the load goes on after that: parts of the whole. */
const LEAVES_AT = 0.4
const RETURNS_AT = 0.6
const AFTERMATH = 0.2

export interface StageOptions {
  readonly root: string
  readonly durationMs: number
  readonly runtime: { readonly clock: Clock }
}

interface BackendEndpoint {
  readonly address: string
  readonly weight: number
}

/** The order of events: who is started when, with which arguments. */
export class Stage {
  readonly #options: StageOptions
  readonly #state: DemoState
  readonly #tree: ProcessTree
  readonly #signal: AbortSignal

  constructor(options: StageOptions, state: DemoState, tree: ProcessTree, signal: AbortSignal) {
    this.#options = options
    this.#state = state
    this.#tree = tree
    this.#signal = signal
  }

  /** Resolves when the load has ended. Rejects when the signal aborts or a program does not get ready. */
  async play(): Promise<void> {
    const registry = await this.#startRegistry()
    const ports = await freePorts(WEIGHTS.length)
    const endpoints = ports.map((port, i) => ({ address: `127.0.0.1:${port}`, weight: WEIGHTS[i]! }))
    for (const { address, weight } of endpoints) this.#state.addEndpoint(address, weight)
    const backends = await Promise.all(endpoints.map((endpoint) => this.#startBackend(registry, endpoint)))
    const load = this.#startLoad(await this.#startProxy(registry))
    try {
      await Promise.all([this.#pause(1), this.#changeCast(registry, endpoints[LEAVER]!, backends[LEAVER]!)])
    } finally {
      await load.stop()
    }
  }

  async #changeCast(registry: string, endpoint: BackendEndpoint, backend: Program): Promise<void> {
    await this.#pause(LEAVES_AT)
    this.#state.leave(endpoint.address)
    this.#state.tell('leaving', `${endpoint.address} got SIGTERM: deregisters, then drains`)
    await Promise.all([backend.stop(), this.#pause(RETURNS_AT - LEAVES_AT)])
    await this.#startBackend(registry, endpoint)
    await this.#pause(AFTERMATH)
  }

  async #startRegistry(): Promise<string> {
    const listening = new EventWaiter('the registry', 'listening', this.#options.runtime.clock, this.#signal)
    this.#startFairlead('the registry', ['registry', '--listen', '127.0.0.1:0', '-o', 'ndjson'], listening.offer)
    const registry = withoutScheme((await listening.event).listen)
    this.#state.tell('registry', `etcd-compatible, in memory, on ${registry}`)
    return registry
  }

  async #startBackend(registry: string, { address, weight }: BackendEndpoint): Promise<Program> {
    const name = `the registration of ${address}`
    const registered = new EventWaiter(name, 'registered', this.#options.runtime.clock, this.#signal)
    const backend = join(this.#options.root, 'dist/demo/backend.js')
    const program = this.#startFairlead(
      name,
      [
        'register',
        this.#state.service,
        address,
        `--weight=${weight}`,
        '--check=tcp',
        '--check-interval=200ms',
        `--endpoints=${registry}`,
        '--output=ndjson',
        '--',
        process.execPath,
        backend,
      ],
      registered.offer,
      () => this.#state.tell('left', `${address} has finished and ended`),
    )
    await registered.event
    this.#state.enter(address)
    this.#state.tell('joined', `${address} weight ${weight}`)
    return program
  }

  async #startProxy(registry: string): Promise<string> {
    const listening = new EventWaiter('the proxy', 'listening', this.#options.runtime.clock, this.#signal)
    const listen = `tcp://127.0.0.1:0=${this.#state.service}`
    const args = ['proxy', listen, '--endpoints', registry, '-o', 'ndjson']
    const program = this.#startFairlead('the proxy', args, listening.offer)
    const proxy = withoutScheme((await listening.event).listen)
    this.#state.proxyPid = program.pid
    this.#state.tell('proxy', `tcp://${proxy} -> ${this.#state.service}`)
    return proxy
  }

  #startLoad(proxy: string): Program {
    const [host, port] = proxy.split(':') as [string, string]
    this.#state.loadStarted()
    this.#state.tell('load', `${REQUESTS_PER_SECOND} requests a second, each on a connection of its own`)
    return this.#tree.start({
      name: 'the load',
      args: [join(this.#options.root, 'dist/demo/load.js'), host, port, String(REQUESTS_PER_SECOND)],
      onDocument: (report) => this.#state.record(report as LoadReport),
    })
  }

  #startFairlead(
    name: string,
    args: readonly string[],
    onEvent: (event: ProgramEvent) => void,
    onEnd?: () => void,
  ): Program {
    return this.#tree.start({
      name,
      args: [join(this.#options.root, 'bin/run.js'), ...args],
      onDocument: (event) => onEvent(event as ProgramEvent),
      ...(onEnd ? { onEnd } : {}),
    })
  }

  /** Waits a part of the whole duration. */
  #pause(part: number): Promise<void> {
    return sleep(this.#options.runtime.clock, this.#options.durationMs * part, this.#signal)
  }
}

function withoutScheme(listen: unknown): string {
  return String(listen).replace(/^[a-z]+:\/\//, '')
}

/** Ports that nothing listened on a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
