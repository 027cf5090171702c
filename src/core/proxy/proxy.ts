import { FairleadError } from '../errors.js'
import { Gate } from '../health/active/gate.js'
import { StallGuard } from '../health/stall-guard.js'
import { type Runtime, sleep } from '../runtime.js'
import { Listener, type Shared } from './listener.js'
import { planListeners, type Step } from './listener-plan.js'
import type { ProxyEvent } from './events.js'
import type { ListenerStats } from './meters.js'
import type { ProxyDependencies, ProxyOptions } from './options.js'
import type { ListenerReading } from './reading.js'
import { type Settings, settingsOf } from './settings.js'
import { ProxyTls } from './tls/proxy-tls.js'
import { Ticker } from './ticker.js'
import { Flusher } from './transport/flusher.js'
import { createSocketTransport } from './transport/socket-transport.js'
import { UpstreamGuard } from './upstream-guard.js'

/** A running proxy. */
export interface Proxy extends AsyncDisposable {
  /** Where it listens, with real ports, in the order asked for: `tcp://127.0.0.1:8080`. */
  readonly listening: readonly string[]
  /**
   * Goes by other options without dropping a connection: what changed counts for new connections and requests, new listeners
   * open, those that are gone accept nothing more and have `drainTimeoutMs` for what is under way. Options that cannot be
   * used, or a listener that cannot be opened, reject and leave everything as it was. `onEvent` stays the first one.
   */
  reload(options: ProxyOptions, drainTimeoutMs: number): Promise<void>
  /** Counters so far, per listener. A copy. */
  stats(): readonly ListenerStats[]
  /** The same and how things are at this moment, each endpoint's too. A copy. */
  read(): readonly ListenerReading[]
  /**
   * Stops accepting, tells HTTP clients to send nothing new, and waits until every open connection has ended by itself, but
   * at most `timeoutMs`; what is still open then is broken off. Resolves with how many that were. Also when called twice.
   */
  drain(timeoutMs: number): Promise<number>
  /** Stops at once, breaking off what is open. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts to accept on every listener and to relay to the endpoints of its target. A registry that is away does not keep
 * it from starting: clients are turned away until endpoints are known. Rejects with INVALID_ARGUMENT, ADDRESS_IN_USE or
 * PERMISSION_DENIED, and with UNAUTHENTICATED or PERMISSION_DENIED where the registry refuses before it told anything;
 * nothing listens then.
 */
export async function startProxy(
  options: ProxyOptions,
  dependencies: ProxyDependencies,
  runtime: Runtime,
): Promise<Proxy> {
  if (options.listeners.length === 0) throw new FairleadError('INVALID_ARGUMENT', 'nothing to listen on')
  const settings = settingsOf(options)
  const emit = (event: ProxyEvent) => options.onEvent?.(event)
  const tls = await ProxyTls.open(options, runtime.clock, emit)
  let proxy
  try {
    proxy = new RunningProxy(options, settings, tls, dependencies, runtime)
  } catch (error) {
    tls.close()
    throw error
  }
  await proxy.open()
  return proxy
}

/** Health checks under way at once, those of all listeners. */
const MAX_CHECKS = 256

class RunningProxy implements Proxy {
  #listeners: readonly Listener[]
  /** Listeners that a reload took out, while they still have connections. */
  readonly #retiring = new Map<Listener, () => void>()
  #shared: Shared
  readonly #emptied = new Set<() => void>()
  #reloaded: Promise<unknown> = Promise.resolve()
  #opened = false
  #stopping = false
  #closed = false

  constructor(
    options: ProxyOptions,
    settings: Settings,
    tls: ProxyTls,
    dependencies: ProxyDependencies,
    runtime: Runtime,
  ) {
    this.#shared = {
      transport: dependencies.transport ?? createSocketTransport(),
      guard: new UpstreamGuard(),
      ticker: new Ticker(runtime.clock),
      flusher: new Flusher(),
      settings,
      tls,
      policy: options.policy,
      dependencies,
      runtime,
      checkGate: new Gate(MAX_CHECKS),
      stall: new StallGuard(runtime.clock),
      emit: (event) => options.onEvent?.(event),
      connectionClosed: () => this.#connectionClosed(),
    }
    this.#listeners = options.listeners.map((spec) => new Listener(spec, this.#shared))
  }

  async open(): Promise<void> {
    this.#shared.stall.start()
    try {
      await Promise.all(
        this.#listeners.map(async (listener) => {
          await listener.prepare()
          await listener.open()
        }),
      )
      this.#opened = true
    } catch (error) {
      await this.close()
      throw error
    }
  }

  get listening(): readonly string[] {
    return this.#listeners.map((listener) => listener.listen)
  }

  stats(): readonly ListenerStats[] {
    return this.#listeners.map((listener) => listener.stats())
  }

  read(): readonly ListenerReading[] {
    return this.#listeners.map((listener) => listener.read())
  }

  reload(options: ProxyOptions, drainTimeoutMs: number): Promise<void> {
    const reloaded = this.#reloaded.then(() => this.#reload(options, drainTimeoutMs))
    this.#reloaded = reloaded.catch(() => undefined)
    return reloaded
  }

  async #reload(options: ProxyOptions, drainTimeoutMs: number): Promise<void> {
    this.#demandRunning()
    if (options.listeners.length === 0) throw new FairleadError('INVALID_ARGUMENT', 'nothing to listen on')
    const before = this.#shared
    const settings = settingsOf(options)
    const tls = await ProxyTls.open(options, before.runtime.clock, before.emit)
    const shared = { ...before, settings, tls, policy: options.policy }
    const { wanted, removed } = planListeners(this.#listeners, options.listeners)
    const steps: { listener: Listener; step: Step<Listener> }[] = []
    const fresh = () => steps.filter(({ step }) => step.kind !== 'keep').map(({ listener }) => listener)
    try {
      for (const step of wanted) {
        steps.push({ listener: step.kind === 'keep' ? step.running : new Listener(step.spec, shared), step })
      }
      await Promise.all(fresh().map((listener) => listener.prepare()))
      this.#demandRunning()
      await Promise.all(steps.map(({ listener, step }) => (step.kind === 'add' ? listener.open() : undefined)))
      this.#demandRunning()
    } catch (error) {
      for (const listener of fresh()) listener.close()
      tls.close()
      throw error
    }
    this.#shared = shared
    before.tls.close()
    this.#listeners = steps.map(({ listener }) => listener)
    for (const { listener, step } of steps) {
      if (step.kind === 'keep') listener.configure(shared)
      if (step.kind !== 'replace') continue
      listener.takeOver(step.running)
      this.#retire(step.running, drainTimeoutMs)
    }
    for (const listener of removed) this.#retire(listener, drainTimeoutMs)
  }

  /** Lets a listener come to its end. */
  #retire(listener: Listener, timeoutMs: number): void {
    listener.drain()
    if (listener.active === 0) return listener.close()
    const cancel = this.#shared.runtime.clock.after(timeoutMs, () => listener.close())
    this.#retiring.set(listener, cancel)
  }

  #demandRunning(): void {
    if (this.#stopping) throw new FairleadError('ABORTED', 'the proxy is coming to its end')
  }

  async drain(timeoutMs: number): Promise<number> {
    this.#stopping = true
    for (const listener of this.#listeners) listener.drain()
    if (this.#active > 0) this.#shared.emit({ event: 'draining', connections: this.#active })
    await this.#idle(timeoutMs)
    const broken = this.#active
    await this.close()
    return broken
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopping = true
    const broken = this.#active
    for (const listener of this.#all) listener.close()
    this.#shared.stall.close()
    this.#shared.tls.close()
    await this.#idle(Infinity)
    if (this.#opened) this.#shared.emit({ event: 'stopped', broken })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #all(): readonly Listener[] {
    return [...this.#listeners, ...this.#retiring.keys()]
  }

  get #active(): number {
    return this.#all.reduce((sum, listener) => sum + listener.active, 0)
  }

  /** Waits until no connection is open, at most `timeoutMs`. */
  async #idle(timeoutMs: number): Promise<void> {
    if (this.#active === 0) return
    const stop = new AbortController()
    const emptied = new Promise<void>((resolve) => this.#emptied.add(resolve))
    const timedOut = timeoutMs === Infinity ? [] : [sleep(this.#shared.runtime.clock, timeoutMs, stop.signal)]
    await Promise.race([emptied, ...timedOut.map((promise) => promise.catch(() => {}))])
    stop.abort()
  }

  #connectionClosed(): void {
    for (const [listener, cancel] of this.#retiring) {
      if (listener.active > 0) continue
      this.#retiring.delete(listener)
      cancel()
      listener.close()
    }
    if (this.#active > 0) return
    for (const resolve of this.#emptied) resolve()
    this.#emptied.clear()
  }
}
