import type { DataPlaneResolver } from '../../discovery/data-plane-resolver.js'
import { FairleadError } from '../../errors.js'
import { type Runtime, sleep } from '../../runtime.js'
import type { ProxyEvent } from '../events.js'
import { formatListen, type Listen } from '../listen.js'
import { planListeners } from '../listener-plan.js'
import type { ListenerStats } from '../meters.js'
import type { ListenerReading } from '../reading.js'
import { settingsOf } from '../settings.js'
import type { Transport } from '../transport/transport.js'
import type { WorkerConfiguration } from './messages.js'
import { mergeReadings } from './readings.js'
import { Slot, type SlotObserver } from './slot.js'
import { SnapshotRelay } from './snapshot-relay.js'
import { mergeStats } from './stats.js'
import type { Fork, WorkerLink } from './worker-link.js'

/** How much longer than its drain time a worker may take before it is ended. */
const GRACE_MS = 5000
/** How long a worker may take to say how things are. */
const READ_MS = 2000

export interface PoolOptions {
  /** How many processes share the listeners, at least 1. */
  readonly workers: number
  readonly configuration: WorkerConfiguration
  /** Hears of everything worth telling, once however many workers see it. Must not throw. */
  readonly onEvent?: (event: ProxyEvent) => void
}

export interface PoolDependencies {
  /** Watches every service once, for all workers. */
  readonly resolver: DataPlaneResolver
  readonly fork: Fork
  /** Finds free ports for listeners on port 0. */
  readonly transport: Transport
}

/** A proxy of several processes. */
export interface WorkerPool {
  /** Where it listens, with real ports, in the order asked for. */
  readonly listening: readonly string[]
  /** Like Proxy.reload, in every worker; where one cannot, all go on as before. */
  reload(configuration: WorkerConfiguration, drainTimeoutMs: number): Promise<void>
  /** Counters of all workers together. What a worker that crashed had counted is lost. */
  stats(): Promise<readonly ListenerStats[]>
  /** Like Proxy.read, of all workers together; one that does not answer in time counts with what it last said. */
  read(): Promise<readonly ListenerReading[]>
  /** Like Proxy.drain, in every worker. No worker is left then. */
  drain(timeoutMs: number): Promise<number>
  /** Ends every worker at once. Idempotent. */
  close(): void
}

/**
 * Starts the workers. Resolves when all of them listen. Rejects like startProxy where one cannot; none is left then. A worker that ends later
 * is replaced, after a while that grows while that goes on.
 */
export async function startWorkers(
  options: PoolOptions,
  dependencies: PoolDependencies,
  runtime: Runtime,
): Promise<WorkerPool> {
  const pool = new RunningPool(options, dependencies, runtime)
  await pool.start(options.configuration)
  return pool
}

/** What all workers see in the same way: one of them speaks for all. */
const SEEN_BY_ALL: ReadonlySet<ProxyEvent['event']> = new Set([
  'listening',
  'endpoints',
  'stale',
  'live',
  'certificates',
  'certificates_refused',
])

/** A listener as it was asked for, and where the workers have it. */
interface Placed {
  readonly spec: Listen
  readonly actual: Listen
}

class RunningPool implements WorkerPool, SlotObserver {
  readonly #slots: readonly Slot[]
  readonly #transport: Transport
  readonly #runtime: Runtime
  readonly #onEvent: (event: ProxyEvent) => void
  #configuration: WorkerConfiguration | undefined
  #placed: readonly Placed[] = []
  /** What is told while the first workers start; undefined when they have. */
  #introductions: ProxyEvent[] | undefined
  #started = false
  #stopping = false
  #reloaded: Promise<unknown> = Promise.resolve()
  readonly #lastRead = new WeakMap<WorkerLink, readonly ListenerReading[]>()

  constructor({ workers, onEvent }: PoolOptions, { resolver, fork, transport }: PoolDependencies, runtime: Runtime) {
    const relay = new SnapshotRelay(resolver, runtime)
    this.#runtime = runtime
    this.#transport = transport
    this.#onEvent = onEvent ?? (() => {})
    this.#slots = Array.from({ length: workers }, (_, i) => new Slot(i + 1, fork, relay, this, runtime))
  }

  get configuration(): WorkerConfiguration {
    return this.#configuration!
  }

  get listening(): readonly string[] {
    return this.#placed.map(({ actual: { listen } }) => formatListen(listen.scheme, listen.host, listen.port))
  }

  async start(configuration: WorkerConfiguration): Promise<void> {
    settingsOf(configuration.options)
    this.#placed = await this.#place(configuration.options.listeners)
    this.#configuration = this.#share(configuration, this.#placed)
    const heard: ProxyEvent[] = []
    this.#introductions = heard
    const outcomes = await Promise.allSettled(this.#slots.map((slot) => slot.start()))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) {
      this.close()
      throw failed.reason
    }
    this.#started = true
    this.#introductions = undefined
    for (const event of heard) this.#onEvent(event)
  }

  event(slot: Slot, event: ProxyEvent, starting: boolean): void {
    if (event.event === 'draining' || event.event === 'stopped') return
    if (this.#introductions) {
      if (slot.number === 1 || !SEEN_BY_ALL.has(event.event)) this.#introductions.push(event)
    } else if (!SEEN_BY_ALL.has(event.event) || (!starting && slot === this.#speaker)) {
      this.#onEvent(event)
    }
  }

  reload(configuration: WorkerConfiguration, drainTimeoutMs: number): Promise<void> {
    const reloaded = this.#reloaded.then(() => this.#reload(configuration, drainTimeoutMs))
    this.#reloaded = reloaded.catch(() => undefined)
    return reloaded
  }

  async stats(): Promise<readonly ListenerStats[]> {
    const answers = await Promise.allSettled(this.#links.map((link) => link.call('stats', {})))
    return mergeStats(
      answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value as readonly ListenerStats[]] : [])),
    )
  }

  async read(): Promise<readonly ListenerReading[]> {
    const readings = await Promise.all(this.#links.map((link) => this.#readWorker(link)))
    return mergeReadings(readings)
  }

  async #readWorker(link: WorkerLink): Promise<readonly ListenerReading[]> {
    const answer = await this.#within(READ_MS, link.call('read', {})).catch(() => undefined)
    const reading = (answer as readonly ListenerReading[] | undefined) ?? this.#lastRead.get(link) ?? []
    this.#lastRead.set(link, reading)
    return reading
  }

  async drain(timeoutMs: number): Promise<number> {
    const { clock } = this.#runtime
    const first = !this.#stopping
    this.#stopping = true
    for (const slot of this.#slots) slot.expectEnd()
    const drained = this.#links.map((link) => link.call('drain', { timeoutMs }))
    const connections = (await this.#within(GRACE_MS, this.stats()))?.reduce((n, { connections: c }) => n + c.active, 0)
    if (connections && first) this.#onEvent({ event: 'draining', connections })
    const stop = new AbortController()
    const late = sleep(clock, timeoutMs + GRACE_MS, stop.signal).catch(() => undefined)
    const outcomes = await Promise.all(drained.map((call) => Promise.race([call.catch(() => undefined), late])))
    stop.abort()
    const broken = outcomes.reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0)
    this.close()
    if (first) this.#onEvent({ event: 'stopped', broken })
    return broken
  }

  close(): void {
    this.#stopping = true
    for (const slot of this.#slots) slot.stop()
  }

  get #links(): readonly WorkerLink[] {
    return this.#slots.flatMap(({ running }) => running ?? [])
  }

  /** The first worker that listens speaks for all. */
  get #speaker(): Slot | undefined {
    return this.#slots.find(({ running }) => running)
  }

  async #reload(configuration: WorkerConfiguration, drainTimeoutMs: number): Promise<void> {
    this.#demandRunning()
    settingsOf(configuration.options)
    const before = { placed: this.#placed, configuration: this.#configuration! }
    const placed = await this.#place(configuration.options.listeners)
    this.#demandRunning()
    this.#configuration = this.#share(configuration, placed)
    const attempts = this.#links.map(async (link) => {
      await link.call('reload', { configuration: this.#configuration!, drainTimeoutMs })
      return link
    })
    const outcomes = await Promise.allSettled(attempts)
    // One that ended meanwhile comes back with what counts then.
    const failed = outcomes.find((o) => o.status === 'rejected' && (o.reason as FairleadError).code !== 'UNAVAILABLE')
    if (failed?.status !== 'rejected') {
      this.#placed = placed
      return
    }
    this.#configuration = before.configuration
    const changed = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const back = { configuration: before.configuration, drainTimeoutMs }
    await Promise.allSettled(changed.map((link) => link.call('reload', back)))
    throw failed.reason
  }

  /** Finds a free port for every listener on port 0 that has none yet: workers must all listen on the same one. */
  async #place(wanted: readonly Listen[]): Promise<readonly Placed[]> {
    const { wanted: steps } = planListeners(this.#placed, wanted)
    const placed: Placed[] = []
    for (const step of steps) {
      if (step.kind === 'keep') placed.push(step.running)
      else placed.push({ spec: step.spec, actual: await this.#withPort(step.spec) })
    }
    return placed
  }

  async #withPort(spec: Listen): Promise<Listen> {
    if (spec.listen.port !== 0) return spec
    const observer = { accepted: () => {}, acceptFailed: () => {} }
    const { port, close } = await this.#transport.listen(spec.listen.host, 0, observer)
    close()
    return { ...spec, listen: { ...spec.listen, port } }
  }

  /** The part of a configuration that each worker gets. */
  #share({ options, policy }: WorkerConfiguration, placed: readonly Placed[]): WorkerConfiguration {
    const { maxConnections } = options
    const share = maxConnections === undefined ? {} : { maxConnections: Math.ceil(maxConnections / this.#slots.length) }
    return { policy, options: { ...options, ...share, listeners: placed.map(({ actual }) => actual) } }
  }

  async #within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    const stop = new AbortController()
    const late = sleep(this.#runtime.clock, ms, stop.signal).catch(() => undefined)
    try {
      return (await Promise.race([promise, late])) ?? undefined
    } finally {
      stop.abort()
    }
  }

  #demandRunning(): void {
    if (this.#stopping || !this.#started) throw new FairleadError('ABORTED', 'the proxy is coming to its end')
  }
}
