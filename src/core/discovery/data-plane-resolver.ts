import type { Runtime } from '../runtime.js'
import { type HeldResolutions, holdMassExpiry, type HoldOptions } from './hold.js'
import type { Resolver } from './resolution.js'
import type { SnapshotFile } from './snapshot-file.js'

export interface DataPlaneResolver extends Resolver {
  /** Tells that an address of a service could not be connected to: those that are only held go at once. */
  disprove(service: string, address: string): void
}

export interface DataPlaneOptions extends HoldOptions {
  /** Remembers what the data plane goes by, and is what it starts from while the registry is away. Closed by who opened it. */
  readonly snapshotFile?: SnapshotFile | undefined
}

/** What data planes resolve through: `resolver` with mass expiry held for each of its readers. */
export function createDataPlaneResolver(
  resolver: Resolver,
  options: DataPlaneOptions,
  runtime: Runtime,
): DataPlaneResolver {
  const file = options.snapshotFile
  const source = file ? file.startingFrom(resolver) : resolver
  const readers = new Map<string, Set<HeldResolutions>>()

  return {
    async *resolve(service, signal) {
      const resolutions = holdMassExpiry(source.resolve(service, signal), options, runtime)
      const others = readers.get(service) ?? new Set()
      readers.set(service, others.add(resolutions))
      try {
        for await (const resolution of resolutions) {
          if (resolution.kind === 'snapshot') file?.save(resolution.snapshot)
          yield resolution
        }
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
