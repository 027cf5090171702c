import { createBalancer } from './balancer/balancer.js'
import { checkedServiceConfig } from './balancer/checked-config.js'
import type { ControlPlane } from './control-plane/control-plane.js'
import { createDataPlaneResolver, type DataPlaneResolver } from './discovery/data-plane-resolver.js'
import { createResolver, type RegistryResolver } from './discovery/resolver.js'
import { createStaticResolver } from './discovery/static-resolver.js'
import { listServices, type ServiceSummary } from './discovery/list-services.js'
import { readService, snapshotOf } from './discovery/read-service.js'
import { FairleadError } from './errors.js'
import { type ConnectOptions, etcdOptions } from './library/options.js'
import { balancerOptions, type PolicyOptions } from './library/policy.js'
import { proxyOptions, type ProxyServiceOptions } from './library/proxy-options.js'
import { serviceProxy, type ServiceProxy } from './library/service-proxy.js'
import type { ServeOptions } from './library/serve-options.js'
import { FollowingBalancer, type ServiceBalancer } from './library/service-balancer.js'
import { type WatchEvent, watchEvents } from './library/watch-event.js'
import type { Endpoint } from './model/endpoint.js'
import type { Snapshot } from './model/snapshot.js'
import { parseTarget, targetName } from './proxy/listen.js'
import { startProxy } from './proxy/proxy.js'
import { deregister } from './registry/deregister.js'
import type { Description } from './registry/description.js'
import { openEtcdStore } from './registry/etcd/index.js'
import { KeyLayout } from './registry/keys.js'
import { createRegistrar, type Registrar } from './registry/registrar.js'
import type { Registration, RegistrationOptions } from './registry/registration.js'
import {
  getServiceConfig,
  type ServiceConfig,
  setServiceConfig,
  unsetServiceConfig,
} from './registry/service-config.js'
import { setRecord } from './registry/set-record.js'
import type { CallOptions, Store } from './registry/store.js'
import { type Runtime, silentLogger, systemClock, systemRandom } from './runtime.js'

/** Whether a call waits for the registry. */
export interface WaitOptions {
  /**
   * Whether to wait for the registry. Default true. False returns at once and goes on in the background, so that a program can start before its
   * registry does.
   */
  readonly wait?: boolean
  /** Gives up waiting. What was begun ends then. */
  readonly signal?: AbortSignal
}

/** What to register, how to keep it, and whether to wait for it. */
export type RegisterOptions = RegistrationOptions & WaitOptions
/** How to balance, and whether to wait for the first snapshot. */
export type BalanceOptions = PolicyOptions & WaitOptions

/** How a watch ends. */
export interface WatchOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

/**
 * A connection to a registry, and everything that can be done with it. Calls fail with FairleadError: UNAVAILABLE where no
 * endpoint of the registry answers in time, UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT, ABORTED after `close` and by a signal.
 */
export interface Fairlead extends AsyncDisposable {
  /**
   * Registers an endpoint and keeps it registered until the registration is closed: a lost lease, a deleted record or a wiped
   * registry is mended under the same id. Resolves when the record is in the registry, however long that takes (see `wait`).
   *
   * @throws FairleadError CONFLICT when another live registration holds the address
   */
  register(service: string, address: string, options?: RegisterOptions): Promise<Registration>
  /** Takes an endpoint out for good, whoever registered it. Returns whether it was there. */
  deregister(service: string, address: string, options?: CallOptions): Promise<boolean>
  /**
   * Changes what is said of an endpoint, whoever registered it; its registration takes the change over.
   *
   * @throws FairleadError NOT_FOUND
   */
  setEndpoint(service: string, address: string, changes: Description, options?: CallOptions): Promise<Endpoint>
  /** The gRPC service config stored for a service; undefined if there is none. */
  getServiceConfig(service: string, options?: CallOptions): Promise<ServiceConfig | undefined>
  /**
   * Stores a gRPC service config: proxies and balancers take the service's policy from it, at once. Undefined removes it. Rejects with INVALID_ARGUMENT
   * for one that gRPC would refuse.
   */
  setServiceConfig(service: string, config: ServiceConfig | undefined, options?: CallOptions): Promise<void>
  /** Reads a service once. One that nobody registered has no endpoints. */
  resolve(service: string, options?: CallOptions): Promise<Snapshot>
  /**
   * Yields what is there of a service (without one: of all services), then every change. Goes on through any outage of the registry; ends when the
   * signal aborts, the loop is left, or the connection is closed.
   */
  watch(service?: string, options?: WatchOptions): AsyncIterable<WatchEvent>
  /** Every service that has a record, by name. */
  services(options?: CallOptions): Promise<readonly ServiceSummary[]>
  /**
   * Balances over a service, or over `ADDRESS[@WEIGHT],…`. Resolves when the first snapshot is known (see `wait`).
   *
   * @throws FairleadError UNAVAILABLE when the registry does not answer
   */
  balance(service: string, options?: BalanceOptions): Promise<ServiceBalancer>
  /**
   * Relays connections, or HTTP requests and gRPC calls one by one, to the endpoints of a service. Resolves when it listens; a
   * registry that is away does not keep it from that.
   *
   * @throws FairleadError INVALID_ARGUMENT, ADDRESS_IN_USE; what a registry says that refuses
   */
  proxy(options: ProxyServiceOptions): Promise<ServiceProxy>
  /**
   * Tells gRPC clients which servers to use: `serve({ grpclb: '127.0.0.1:8001' })`. Resolves when it listens; a registry that is away
   * does not keep it from that.
   *
   * @throws FairleadError INVALID_ARGUMENT, ADDRESS_IN_USE
   */
  serve(options: ServeOptions): Promise<ControlPlane>
  /**
   * Takes every registration out, ends every watch, balancer, proxy and control plane (open connections are broken off: `drain`
   * those before) and disconnects. Idempotent. Nothing of it keeps the process alive afterwards.
   */
  close(): Promise<void>
}

/**
 * Opens a connection to etcd, or to anything that speaks its v3 API. It is made when first used, and found again when lost.
 *
 * @throws FairleadError INVALID_ARGUMENT for a bad option; with `verify` also what the registry answers
 */
export async function connect(options: ConnectOptions = {}): Promise<Fairlead> {
  const runtime = { clock: systemClock, random: systemRandom, log: options.logger ?? silentLogger }
  const layout = new KeyLayout(options.prefix)
  const store = openEtcdStore(etcdOptions(options), runtime)
  if (options.verify) {
    try {
      await store.get(layout.root)
    } catch (error) {
      await store.close()
      throw error
    }
  }
  return new Connection(store, layout.prefix, runtime)
}

class Connection implements Fairlead {
  readonly #store: Store
  readonly #prefix: string
  readonly #runtime: Runtime
  readonly #registrar: Registrar
  readonly #resolver: RegistryResolver
  readonly #dataPlane: DataPlaneResolver
  readonly #end = new AbortController()
  readonly #open = new Set<{ close(): Promise<void> }>()
  #closing: Promise<void> | undefined

  constructor(store: Store, prefix: string, runtime: Runtime) {
    this.#store = store
    this.#prefix = prefix
    this.#runtime = runtime
    this.#registrar = createRegistrar(store, { prefix }, runtime)
    this.#resolver = createResolver(store, { prefix }, runtime)
    this.#dataPlane = createDataPlaneResolver(this.#resolver, {}, runtime)
  }

  async register(service: string, address: string, options: RegisterOptions = {}): Promise<Registration> {
    this.#demandOpen()
    const { wait = true, signal, ...rest } = options
    return wait
      ? this.#registrar.register(service, address, rest, signal)
      : this.#registrar.start(service, address, rest)
  }

  async deregister(service: string, address: string, options?: CallOptions): Promise<boolean> {
    this.#demandOpen()
    return (await deregister(this.#store, this.#prefix, service, { address }, this.#runtime, options)).length > 0
  }

  async setEndpoint(service: string, address: string, changes: Description, options?: CallOptions): Promise<Endpoint> {
    this.#demandOpen()
    return setRecord(this.#store, this.#prefix, service, address, changes, this.#runtime, options)
  }

  async getServiceConfig(service: string, options?: CallOptions): Promise<ServiceConfig | undefined> {
    this.#demandOpen()
    return orUndefined(getServiceConfig(this.#store, this.#prefix, service, options))
  }

  async setServiceConfig(service: string, config: ServiceConfig | undefined, options?: CallOptions): Promise<void> {
    this.#demandOpen()
    if (config === undefined) return orUndefined(unsetServiceConfig(this.#store, this.#prefix, service, options))
    checkedServiceConfig(config)
    return setServiceConfig(this.#store, this.#prefix, service, config, options)
  }

  async resolve(service: string, options?: CallOptions): Promise<Snapshot> {
    this.#demandOpen()
    return snapshotOf(await readService(this.#store, this.#prefix, service, options))
  }

  async *watch(service?: string, options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    this.#demandOpen()
    const signal = options.signal ? AbortSignal.any([this.#end.signal, options.signal]) : this.#end.signal
    for await (const event of this.#resolver.events(service, signal)) yield* watchEvents(event)
  }

  async services(options?: CallOptions): Promise<readonly ServiceSummary[]> {
    this.#demandOpen()
    return listServices(this.#store, this.#prefix, options)
  }

  async balance(service: string, options: BalanceOptions = {}): Promise<ServiceBalancer> {
    this.#demandOpen()
    const target = parseTarget(service)
    const resolver = target.kind === 'static' ? createStaticResolver(target.endpoints) : this.#dataPlane
    const balancer = createBalancer(balancerOptions(options), this.#runtime)
    const following = new FollowingBalancer(resolver, targetName(target), balancer)
    this.#open.add(following)
    void following.closed.then(() => this.#open.delete(following))
    if (options.wait ?? true) await following.whenReady(options.signal)
    return following
  }

  async proxy(options: ProxyServiceOptions): Promise<ServiceProxy> {
    this.#demandOpen()
    const proxy = await startProxy(
      {
        ...proxyOptions(options),
        onEvent: (event) => {
          if (event.event === 'stopped') this.#open.delete(proxy)
          options.onEvent?.(event)
        },
      },
      {
        resolver: this.#dataPlane,
        createBalancer: () => createBalancer({}, this.#runtime),
      },
      this.#runtime,
    )
    this.#open.add(proxy)
    return serviceProxy(proxy)
  }

  async serve(options: ServeOptions): Promise<ControlPlane> {
    this.#demandOpen()
    // Only for those who serve: it brings along descriptions of protocols, and what shows them.
    const [{ controlPlaneOptions }, { startControlPlane }] = await Promise.all([
      import('./library/serve-options.js'),
      import('./control-plane/control-plane.js'),
    ])
    this.#demandOpen()
    const controlPlane = await startControlPlane(
      {
        ...controlPlaneOptions(options),
        onEvent: (event) => {
          if (event.event === 'stopped') this.#open.delete(controlPlane)
          options.onEvent?.(event)
        },
      },
      { resolver: this.#dataPlane, events: (signal) => this.#resolver.events(undefined, signal) },
      this.#runtime,
    )
    this.#open.add(controlPlane)
    return controlPlane
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#end.abort(closedError())
    await Promise.all([this.#registrar.close(), ...[...this.#open].map((opened) => opened.close())])
    await this.#store.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #demandOpen(): void {
    if (this.#closing) throw closedError()
  }
}

/** The result, or undefined where there is none. */
async function orUndefined<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if (error instanceof FairleadError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

function closedError(): FairleadError {
  return new FairleadError('ABORTED', 'the connection to the registry was closed')
}
