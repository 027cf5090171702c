import type { Runtime } from '../runtime.js'
import { type HeldResolutions, holdMassExpiry, type HoldOptions } from './hold.js'
import type { Resolver } from './resolution.js'

export interface DataPlaneResolver extends Resolver {
  /** Tells that an address of a service could not be connected to: those that are only held go at once. */
  disprove(service: string, address: string): void
}

/** What data planes resolve through: `resolver` with mass expiry held for each of its readers. */
export function createDataPlaneResolver(resolver: Resolver, options: HoldOptions, runtime: Runtime): DataPlaneResolver {
  const readers = new Map<string, Set<HeldResolutions>>()

  return {
    async *resolve(service, signal) {
      const resolutions = holdMassExpiry(resolver.resolve(service, signal), options, runtime)
      const others = readers.get(service) ?? new Set()
      readers.set(service, others.add(resolutions))
      try {
        yield* resolutions
      } finally {
        others.delete(resolutions)
        if (others.size === 0 && readers.get(service) === others) readers.delete(service)
      }
    },

    disprove(service, address) {
      for (const resolutions of readers.get(service) ?? []) resolutions.disprove(address)
    },
  }
}
