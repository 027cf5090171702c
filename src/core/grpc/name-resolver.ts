import { type ChannelOptions, experimental, Metadata, status } from '@grpc/grpc-js'
import type { DataPlaneResolver } from '../discovery/data-plane-resolver.js'
import { asFairleadError, FairleadError } from '../errors.js'
import { type Endpoint, isReadyServer } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import { silentLogger } from '../runtime.js'
import { attributesOf, balancersOf } from './attribute.js'
import { ConfigChoice } from './config-choice.js'
import { currentSource } from './live-sources.js'
import type { RegistrySource, ResolverLease } from './registry-source.js'
import { type Scheme, serviceOf } from './target.js'

type ResolverType = Parameters<typeof experimental.registerResolver>[1]

/** The class that grpc-js makes the resolvers of a scheme's channels of. */
export function resolverType(scheme: Scheme): ResolverType {
  return class extends NameResolver {
    constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener, options: ChannelOptions) {
      super(scheme, serviceOf(target), listener, options)
    }

    /** What TLS asks the server to prove, unless the channel says otherwise. Throws INVALID_ARGUMENT. */
    static getDefaultAuthority(target: experimental.GrpcUri): string {
      return serviceOf(target)
    }
  }
}

/**
 * Follows a service for one channel and tells it of every change. What was known last counts while the registry is away, also when the
 * channel wakes from idleness then.
 */
class NameResolver implements experimental.Resolver {
  readonly #scheme: Scheme
  readonly #service: string
  readonly #listener: experimental.ResolverListener
  readonly #source: RegistrySource | undefined
  readonly #configs: ConfigChoice
  /** While it follows. */
  #end: AbortController | undefined
  #known: Snapshot | undefined
  /** Whether the channel has heard anything since it began to follow. */
  #told = false

  constructor(scheme: Scheme, service: string, listener: experimental.ResolverListener, options: ChannelOptions) {
    this.#scheme = scheme
    this.#service = service
    this.#listener = listener
    this.#source = currentSource()
    this.#configs = new ConfigChoice(service, options, this.#source?.log ?? silentLogger)
  }

  /**
   * Begins to follow. While it does there is nothing to ask for: what changes is told at once. (Policies ask on every failed connection, and
   * one that was answered each time would be asked without end.)
   */
  updateResolution(): void {
    if (this.#end) return
    this.#end = new AbortController()
    this.#told = false
    void this.#follow(this.#end.signal)
  }

  /** Ends following; `updateResolution` begins anew. */
  destroy(): void {
    this.#end?.abort()
    this.#end = undefined
  }

  async #follow(signal: AbortSignal): Promise<void> {
    // "Those functions will never be called synchronously with the constructor or updateResolution." (grpc-js, resolver.ts)
    await Promise.resolve()
    if (signal.aborted) return
    let lease: ResolverLease | undefined
    try {
      lease = this.#lease()
      const { resolver } = lease
      const either = AbortSignal.any([signal, lease.signal])
      for await (const resolution of resolver.resolve(this.#service, either)) {
        if (signal.aborted) return
        if (resolution.kind === 'snapshot') this.#tell((this.#known = resolution.snapshot), resolver)
        else if (!this.#told) this.#fallBack(resolution.error)
      }
      // Else the source was closed, and whoever waits would wait for ever.
      if (!signal.aborted) throw lease.signal.reason
    } catch (error) {
      if (!signal.aborted && !this.#told) this.#fallBack(asFairleadError(error))
    } finally {
      lease?.release()
    }
  }

  #lease(): ResolverLease {
    if (!this.#source) {
      throw new FairleadError('ABORTED', `nothing resolves ${this.#scheme}: targets any more`, {
        hint: 'call registerFairlead() again, before the channel is made',
      })
    }
    return this.#source.lease(this.#scheme)
  }

  #tell(snapshot: Snapshot, resolver?: DataPlaneResolver): void {
    this.#told = true
    const lookaside = balancersOf(snapshot).length > 0
    const disprove = (address: string) => resolver?.disprove(this.#service, address)
    this.#listener(
      experimental.statusOrFromValue(serversOf(snapshot).map(grpcEndpoint)),
      attributesOf({ snapshot, disprove }),
      experimental.statusOrFromValue(this.#configs.choose(snapshot.serviceConfig, lookaside)),
      `${this.#service} at revision ${snapshot.revision} of the registry`,
    )
  }

  /** What was known before, or that nothing is. Calls that wait for it go on waiting, and others fail at once. */
  #fallBack({ message, hint }: FairleadError): void {
    if (this.#known) return this.#tell(this.#known)
    const details = `cannot resolve ${this.#service}: ${message}${hint === undefined ? '' : `; ${hint}`}`
    this.#listener(
      experimental.statusOrFromError({ code: status.UNAVAILABLE, details, metadata: new Metadata() }),
      {},
      experimental.statusOrFromValue(this.#configs.choose(undefined, false)),
      '',
    )
  }
}

/** For policies that are none of fairlead's: who takes traffic by the registry's word. */
function serversOf({ endpoints }: Snapshot): readonly Endpoint[] {
  const ready = endpoints.filter(isReadyServer)
  const weighted = ready.filter(({ weight }) => weight > 0)
  return weighted.length > 0 ? weighted : ready
}

function grpcEndpoint({ host, port }: Endpoint): experimental.Endpoint {
  return { addresses: [{ host, port }] }
}
