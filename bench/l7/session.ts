import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cores, pinned, shareCores } from '../support/cores.js'
import { cpuMicroseconds, type Started, startProcess } from '../support/processes.js'
import type { Drive } from './drivers.js'
import { BACKENDS, bodyBytes, type Load } from './loads.js'
import { probe } from './probe.js'
import type { ProxySetup } from './proxies.js'

/** A proxy, or a way to set it up, that takes part. */
export interface Contender {
  readonly name: string
  start(setup: ProxySetup): Promise<Started>
}

/** What one round of one contender showed. */
export interface Sample {
  /** Of the proxy process, per unit of the load. */
  readonly microseconds: number
  readonly perSecond: number
  readonly errors: number
}

/** Two backends of each kind that is asked for, and the proxies in front of them. All is stopped by `close`. */
export class Session {
  readonly cores: Cores = shareCores()
  /** Why a contender does not take part. */
  readonly missing = new Map<string, string>()
  readonly #directory = mkdtempSync(join(tmpdir(), 'fairlead-bench-'))
  readonly #started: Started[] = []
  readonly #backends = new Map<string, Promise<readonly number[]>>()
  readonly #proxies = new Map<string, Started>()

  constructor() {
    // A gRPC message of twelve bytes.
    writeFileSync(
      join(this.#directory, 'message'),
      Buffer.concat([Buffer.of(0, 0, 0, 0, 12), Buffer.from('hello, world')]),
    )
  }

  /** The contender's process in front of the load's backends, started once. Undefined where it cannot be had. */
  async proxy(
    contender: Contender,
    { protocol, backend }: Pick<Load, 'protocol' | 'backend'>,
    { fresh = false } = {},
  ): Promise<Started | undefined> {
    const key = `${contender.name} ${backend}${fresh ? ' fresh' : ''}`
    const known = this.#proxies.get(key)
    if (known || this.missing.has(contender.name)) return known
    const directory = join(this.#directory, key.replaceAll(/\W+/g, '-'))
    mkdirSync(directory)
    try {
      const upstreams = await this.backends(backend)
      const started = await contender.start({ protocol, upstreams, core: this.cores.proxy, directory })
      this.#started.push(started)
      if (backend !== 'http1') await probe(started.port, bodyBytes(backend))
      this.#proxies.set(key, started)
      return started
    } catch (error) {
      this.missing.set(contender.name, (error as Error).message)
      return undefined
    }
  }

  /** Ports of the backends of a kind. */
  backends(kind: Load['backend']): Promise<readonly number[]> {
    const known = this.#backends.get(kind)
    if (known) return known
    const [script, ...args] = BACKENDS[kind]
    const path = fileURLToPath(new URL(script, import.meta.url))
    const start = async () => {
      const command = pinned(this.cores.load, process.execPath, [path, ...args])
      const started = await startProcess(...command, { read: Number })
      this.#started.push(started)
      return started.port
    }
    const ports = Promise.all([start(), start()])
    this.#backends.set(kind, ports)
    return ports
  }

  drive(port: number, { connections, streams }: Pick<Load, 'connections' | 'streams'>, requests: number): Drive {
    return { port, requests, connections, streams, core: this.cores.load, directory: this.#directory }
  }

  /** Drives the load against a proxy and reads what that cost it. */
  async sample({ pid, port }: Started, load: Load): Promise<Sample> {
    const before = cpuMicroseconds(pid)
    const { requests, errors, seconds } = await load.drive(this.drive(port, load, load.requests))
    const microseconds = (cpuMicroseconds(pid) - before) / (requests * load.units)
    return { microseconds, perSecond: (requests * load.units) / seconds, errors }
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((process) => process.stop()))
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Samples of every contender that can be had: in each round all take turns, in changing order, after one warm-up. */
export async function compare(
  session: Session,
  load: Load,
  contenders: readonly Contender[],
  rounds: number,
  progress: (text: string) => void,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>()
  const present: [Sample[], Started][] = []
  for (const contender of contenders) {
    const started = await session.proxy(contender, load)
    if (!started) continue
    const own: Sample[] = []
    samples.set(contender.name, own)
    present.push([own, started])
    progress(`${load.name}, warming up ${contender.name}`)
    await load.drive(session.drive(started.port, load, Math.max(load.requests / 2, 30_000 / load.units)))
  }
  for (let round = 0; round < rounds; round++) {
    progress(`${load.name}, round ${round + 1} of ${rounds}`)
    const order = round % 2 === 0 ? present : present.toReversed()
    for (const [own, started] of order) own.push(await session.sample(started, load))
  }
  return samples
}
