import type { Metadata } from '@grpc/grpc-js'
import type { Upstream } from '../../balancer/upstream.js'

/** What grpc-js sends with every attempt after the first (gRFC A6). */
const ATTEMPTS_HEADER = 'grpc-previous-rpc-attempts'
/** gRPC makes at most 5 attempts. */
const MOST = 4

/**
 * On which endpoints earlier attempts of a call failed, so that a retry goes elsewhere. grpc-js does not tell attempts of one call from
 * other calls; but all metadata of a call have the options object of the one it was started with, and that is what calls are known by here.
 */
export class FailedAttempts {
  readonly #failed = new WeakMap<object, Upstream[]>()
  /** Whether any call ever failed: most channels never look any further. */
  #any = false

  add(metadata: Metadata, upstream: Upstream): void {
    this.#any = true
    const call = metadata.getOptions()
    const before = this.#failed.get(call)
    if (before?.includes(upstream)) return
    this.#failed.set(call, [...(before?.slice(1 - MOST) ?? []), upstream])
  }

  /** Where this attempt should not go; undefined for a first one. */
  of(metadata: Metadata): readonly Upstream[] | undefined {
    if (!this.#any || metadata.get(ATTEMPTS_HEADER).length === 0) return undefined
    return this.#failed.get(metadata.getOptions())
  }
}
