import { FairleadError } from '../errors.js'
import type { CheckRules } from '../health/active/endpoint-check.js'
import { hostPort, type ListenAddress } from '../net/listen-address.js'
import type { TlsFiles } from '../net/server-credentials.js'
import { type Runtime, sleep } from '../runtime.js'
import { createDirectory, type DirectoryDependencies, type ServiceDirectory } from './directory/directory.js'
import type { ControlPlaneEvent, Protocol } from './events.js'
import type { ControlPlaneReading, ProtocolReading } from './reading.js'
import type { ControlPlaneContext, ControlPlaneService } from './service.js'
import { type ControlPlaneServer, startGrpcServer } from './serving/grpc-server.js'
import { KeptCredentials } from './serving/kept-credentials.js'

/** Where a protocol is spoken, and what speaks it. */
export interface ProtocolListener {
  readonly protocol: Protocol
  readonly listen: ListenAddress
  create(context: ControlPlaneContext): ControlPlaneService
}

export interface ControlPlaneOptions {
  /** At least one, and one for a protocol. Those with the same address share a server. */
  readonly listeners: readonly ProtocolListener[]
  /** The zone of clients that do not say theirs. Default: none. */
  readonly zone?: string | undefined
  /** How every endpoint of a service that clients ask for is checked again and again. Default: not at all. */
  readonly checks?: CheckRules | undefined
  /** Ends TLS on every listener. Default: plaintext. */
  readonly tls?: TlsFiles | undefined
  /** Hears of everything worth telling. Must not throw. */
  readonly onEvent?: ((event: ControlPlaneEvent) => void) | undefined
}

/** A running control plane. */
export interface ControlPlane extends AsyncDisposable {
  /** Where it listens, with real ports, in the order asked for: `grpclb://127.0.0.1:8001`. */
  readonly listening: readonly string[]
  /** How everything is at this moment, and what was counted so far. */
  read(): ControlPlaneReading
  /**
   * Accepts nothing more, ends every stream with UNAVAILABLE, and waits until all calls have ended, but at most `timeoutMs`; what
   * is still open then is broken off. Idempotent.
   */
  drain(timeoutMs: number): Promise<void>
  /** Stops at once. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts to answer. A registry that is away does not keep it from starting: clients wait until their service is known, and the health
 * service says NOT_SERVING until there is anything to answer from. Rejects with INVALID_ARGUMENT, ADDRESS_IN_USE or
 * PERMISSION_DENIED; nothing listens then.
 */
export async function startControlPlane(
  options: ControlPlaneOptions,
  dependencies: DirectoryDependencies,
  runtime: Runtime,
): Promise<ControlPlane> {
  if (options.listeners.length === 0) throw new FairleadError('INVALID_ARGUMENT', 'nothing to listen on')
  const onEvent = (event: ControlPlaneEvent) => options.onEvent?.(event)
  const { tls, zone, checks } = options
  const credentials = tls && (await KeptCredentials.open(tls, runtime.clock, onEvent))
  const directory = createDirectory({ onEvent, checks }, dependencies, runtime)
  const controlPlane = new RunningControlPlane(directory, credentials, onEvent, runtime)
  try {
    await controlPlane.open(options.listeners, { directory, runtime, zone, onEvent })
  } catch (error) {
    await controlPlane.close()
    throw error
  }
  return controlPlane
}

class RunningControlPlane implements ControlPlane {
  #listeners: readonly ProtocolReading[] = []
  readonly #directory: ServiceDirectory
  readonly #credentials: KeptCredentials | undefined
  readonly #emit: (event: ControlPlaneEvent) => void
  readonly #runtime: Runtime
  readonly #services: ControlPlaneService[] = []
  readonly #servers: ControlPlaneServer[] = []
  #draining: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(
    directory: ServiceDirectory,
    credentials: KeptCredentials | undefined,
    emit: (event: ControlPlaneEvent) => void,
    runtime: Runtime,
  ) {
    this.#directory = directory
    this.#credentials = credentials
    this.#emit = emit
    this.#runtime = runtime
  }

  async open(listeners: readonly ProtocolListener[], context: ControlPlaneContext): Promise<void> {
    const services = new Map(listeners.map((listener) => [listener, listener.create(context)]))
    this.#services.push(...services.values())
    const listening = new Map<ProtocolListener, string>()
    for (const group of groups(listeners)) {
      const together = group.map((listener) => services.get(listener)!)
      const server = await startGrpcServer(group[0]!.listen, together, this.#credentials)
      this.#servers.push(server)
      for (const listener of group) listening.set(listener, `${listener.protocol}://${hostPort(server.listen)}`)
    }
    this.#listeners = listeners.map((listener) => ({
      protocol: listener.protocol,
      listen: listening.get(listener)!,
    }))
    for (const listener of this.#listeners) this.#emit({ event: 'listening', ...listener })
    void this.#directory.ready.then(() => {
      for (const server of this.#servers) server.setServing(true)
    })
  }

  get listening(): readonly string[] {
    return this.#listeners.map(({ listen }) => listen)
  }

  read(): ControlPlaneReading {
    const directory = this.#directory.read()
    return {
      listeners: this.#listeners,
      directory,
      services: directory.services.map((followed) => ({
        followed,
        followers: Object.fromEntries(
          this.#services.map((service) => [service.protocol, service.followers(followed.service)]),
        ),
      })),
      meters: this.#services.flatMap(({ meters }) => meters.map((meter) => meter.read())),
    }
  }

  drain(timeoutMs: number): Promise<void> {
    this.#draining ??= this.#closing ?? this.#drain(timeoutMs)
    return this.#draining
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #drain(timeoutMs: number): Promise<void> {
    this.#emit({ event: 'draining' })
    const ended = Promise.all(this.#servers.map((server) => server.shutDown()))
    for (const service of this.#services) service.close()
    const stop = new AbortController()
    const timedOut = sleep(this.#runtime.clock, timeoutMs, stop.signal).catch(() => {})
    await Promise.race([ended, timedOut])
    stop.abort()
    await this.close()
  }

  async #close(): Promise<void> {
    for (const service of this.#services) service.close()
    for (const server of this.#servers) server.close()
    this.#credentials?.close()
    await this.#directory.close()
    if (this.#listeners.length > 0) this.#emit({ event: 'stopped' })
  }
}

/** Listeners by the address that they share; a port of 0 is shared by nobody. */
function groups(listeners: readonly ProtocolListener[]): ProtocolListener[][] {
  const shared = new Map<string, ProtocolListener[]>()
  const groups: ProtocolListener[][] = []
  for (const listener of listeners) {
    const address = hostPort(listener.listen)
    const others = listener.listen.port === 0 ? undefined : shared.get(address)
    if (others) {
      others.push(listener)
      continue
    }
    const group = [listener]
    groups.push(group)
    shared.set(address, group)
  }
  return groups
}
