import { createDataPlaneResolver, type DataPlaneResolver } from './discovery/data-plane-resolver.js'
import { createResolver } from './discovery/resolver.js'
import { FairleadError } from './errors.js'
import { registerWithGrpc } from './grpc/register.js'
import type { RegistrySource, ResolverLease } from './grpc/registry-source.js'
import type { Scheme } from './grpc/target.js'
import { connectOptionsFrom } from './library/environment.js'
import { type ConnectOptions, etcdOptions } from './library/options.js'
import { openEtcdStore } from './registry/etcd/index.js'
import { parseEtcdOptions } from './registry/etcd/options.js'
import { KeyLayout } from './registry/keys.js'
import { type Logger, type Runtime, silentLogger, systemClock, systemRandom } from './runtime.js'

/**
 * Where the registry of gRPC channels is. What is left out is taken from the environment as the command line does: `FAIRLEAD_ENDPOINTS`, then
 * `ETCDCTL_ENDPOINTS`, and so on; then the default. TLS and user come as a whole from one of the two.
 */
export type GrpcOptions = Omit<ConnectOptions, 'verify'>

/** What `registerFairlead` began. */
export interface GrpcRegistration extends AsyncDisposable {
  /**
   * Disconnects from the registry. Channels that are open go on over the endpoints they know and hear of no changes; new ones go by the
   * registration before this one, if there is one that is open. Idempotent.
   */
  close(): Promise<void>
}

/**
 * Lets gRPC channels of this process resolve `ns:///SERVICE` and `fairlead:///SERVICE`, and makes every policy known to grpc-js. `ns`
 * always reads etcd's usual prefix, `/ns`; `fairlead` the one in the options. The registry is connected to when a channel first asks for
 * a name and left when the last one is closed or idle. May be called again: the latest one that is open is what new channels use.
 *
 * @throws FairleadError INVALID_ARGUMENT for options, or an environment, that cannot be used
 */
export function registerFairlead(options: GrpcOptions = {}): GrpcRegistration {
  const runtime = { clock: systemClock, random: systemRandom, log: options.logger ?? silentLogger }
  const source = new StoreSource(connectOptionsFrom(options, process.env), runtime)
  const forget = registerWithGrpc(source, runtime)
  const close = () => {
    forget()
    return source.close()
  }
  return { close, [Symbol.asyncDispose]: close }
}

/** etcd's own prefix for names, which its resolvers for other languages read. */
const USUAL_PREFIX = '/ns'

/** An open connection, and who resolves through it. */
interface Connection {
  readonly resolvers: ReadonlyMap<Scheme, DataPlaneResolver>
  close(): Promise<void>
}

/** One connection for all channels, there for as long as there are any. */
class StoreSource implements RegistrySource {
  readonly log: Logger
  readonly #options: ConnectOptions
  readonly #prefix: string
  readonly #runtime: Runtime
  readonly #end = new AbortController()
  readonly #closings = new Set<Promise<void>>()
  #connection: Connection | undefined
  #leases = 0
  #closing: Promise<void> | undefined
  /** Called when the last lease is given back. */
  #onIdle: () => void = () => undefined

  constructor(options: ConnectOptions, runtime: Runtime) {
    parseEtcdOptions(etcdOptions(options))
    this.#prefix = new KeyLayout(options.prefix).prefix
    this.#options = options
    this.#runtime = runtime
    this.log = runtime.log
  }

  lease(scheme: Scheme): ResolverLease {
    if (this.#end.signal.aborted) throw closedError()
    this.#connection ??= this.#connect()
    this.#leases++
    let held = true
    return {
      resolver: this.#connection.resolvers.get(scheme)!,
      signal: this.#end.signal,
      release: () => {
        if (held) this.#release()
        held = false
      },
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#end.abort(closedError())
    if (this.#leases > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    await Promise.all(this.#closings)
  }

  #connect(): Connection {
    const store = openEtcdStore(etcdOptions(this.#options), this.#runtime)
    const resolve = (prefix: string) =>
      createDataPlaneResolver(createResolver(store, { prefix }, this.#runtime), {}, this.#runtime)
    const usual = resolve(USUAL_PREFIX)
    const configured = this.#prefix === USUAL_PREFIX ? usual : resolve(this.#prefix)
    const resolvers = new Map<Scheme, DataPlaneResolver>([
      ['ns', usual],
      ['fairlead', configured],
    ])
    return { resolvers, close: () => store.close() }
  }

  #release(): void {
    if (--this.#leases > 0) return
    this.#disconnect()
    this.#onIdle()
  }

  #disconnect(): void {
    const closing = this.#connection?.close()
    this.#connection = undefined
    if (!closing) return
    this.#closings.add(closing)
    void closing.finally(() => this.#closings.delete(closing))
  }
}

function closedError(): FairleadError {
  return new FairleadError('ABORTED', 'the registration with gRPC was closed', {
    hint: 'call registerFairlead() again, before the channel is made',
  })
}
