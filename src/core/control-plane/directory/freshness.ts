import type { Trouble } from '../../discovery/registry-account.js'

/** Whether the registry is there, as those find who read from it. */
export class Freshness {
  readonly #troubles = new Map<string, Trouble>()
  readonly #onChange: (trouble: Trouble | undefined) => void

  /** @param onChange called when the first finds the registry away, and when nobody does any more */
  constructor(onChange: (trouble: Trouble | undefined) => void) {
    this.#onChange = onChange
  }

  /** What the trouble is that `who` has; undefined for none. */
  report(who: string, trouble: Trouble | undefined): void {
    const before = this.#troubles.size
    if (trouble) this.#troubles.set(who, trouble)
    else this.#troubles.delete(who)
    if (before === 0 && trouble) this.#onChange(trouble)
    if (before > 0 && this.#troubles.size === 0) this.#onChange(undefined)
  }

  /** The trouble that there has been for longest. */
  get oldest(): Trouble | undefined {
    let oldest: Trouble | undefined
    for (const trouble of this.#troubles.values()) if (!(oldest && oldest.since <= trouble.since)) oldest = trouble
    return oldest
  }
}
