import type { RegistrySource } from './registry-source.js'

/** Every source that is open, in the order they were opened. */
const sources: RegistrySource[] = []

/**
 * Makes a source the one that channels use whose resolvers are made from now on. Returns what takes it out again: the one before is used
 * then. Channels stay with the source that they began with.
 */
export function useSource(source: RegistrySource): () => void {
  sources.push(source)
  return () => {
    const index = sources.indexOf(source)
    if (index >= 0) sources.splice(index, 1)
  }
}

export function currentSource(): RegistrySource | undefined {
  return sources.at(-1)
}
