import type { DataPlaneResolver } from '../../core/discovery/data-plane-resolver.js'

/** A resolver that is opened when the first service is asked for: a proxy over fixed lists needs none. */
export function lazyResolver(open: () => Promise<DataPlaneResolver>): DataPlaneResolver {
  let opening: Promise<DataPlaneResolver> | undefined
  let opened: DataPlaneResolver | undefined
  return {
    async *resolve(service, signal) {
      opened = await (opening ??= open())
      yield* opened.resolve(service, signal)
    },
    disprove: (service, address) => opened?.disprove(service, address),
  }
}
