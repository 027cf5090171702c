import type { StoreHeader } from './store.js'

/** What the registry had reached, as far as answers tell. Reads are linearizable: one that began later never shows less. */
export class HighWater {
  #reached: StoreHeader | undefined

  /**
   * To be called when a call begins, and what it returns with the header of the answer: then it tells whether the registry went back in
   * between, because it was restored from a snapshot, wiped or replaced.
   */
  begin(): (header: StoreHeader) => boolean {
    const before = this.#reached
    return ({ revision, clusterId }) => {
      const isBack = before !== undefined && (clusterId !== before.clusterId || revision < before.revision)
      if (isBack || this.#reached === undefined || revision > this.#reached.revision) {
        this.#reached = { revision, clusterId }
      }
      return isBack
    }
  }
}
