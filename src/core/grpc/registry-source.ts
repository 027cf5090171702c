import type { DataPlaneResolver } from '../discovery/data-plane-resolver.js'
import type { Logger } from '../runtime.js'
import type { Scheme } from './target.js'

/** Where names are resolved. */
export interface RegistrySource {
  readonly log: Logger
  /**
   * What resolves names of a scheme, connected to the registry for as long as anybody has a lease on it. Leases of one source share a
   * connection. Throws INVALID_ARGUMENT for options that cannot be used, ABORTED after the source was closed.
   */
  lease(scheme: Scheme): ResolverLease
}

export interface ResolverLease {
  readonly resolver: DataPlaneResolver
  /** Aborts when the source is closed: nothing is resolved any more. */
  readonly signal: AbortSignal
  /** Gives it back. Idempotent. */
  release(): void
}
