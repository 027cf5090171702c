import type { FairleadError } from '../errors.js'
import type { Clock } from '../runtime.js'

/** What is known of the registry, or of a service in it, and how old that is. */
export interface RegistryReading {
  /** In decimal; undefined before anything was heard. */
  readonly revision: string | undefined
  /** When what is in use was heard of, wall-clock milliseconds. */
  readonly changedAt: number | undefined
  /** Why the registry is away, and for how long nothing was heard of it; undefined while it is there. */
  readonly stale: { readonly reason: string; readonly forMs: number } | undefined
}

/** Nothing is heard of the registry: why, and since when (monotonic milliseconds). */
export interface Trouble {
  readonly error: FairleadError
  readonly since: number
}

/** Keeps account of what was heard of the registry last, and when. */
export class RegistryAccount {
  readonly #clock: Clock
  #revision: bigint | undefined
  #changedAt: number | undefined
  #trouble: Trouble | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The registry has told how it is at `revision`. */
  heard(revision: bigint): void {
    this.#revision = revision
    this.#changedAt = this.#clock.wall()
    this.#trouble = undefined
  }

  /** The registry is away, until it is heard again. */
  lost(trouble: Trouble): void {
    this.#trouble = trouble
  }

  /** @param trouble that of others, where they have some: several may read from one registry */
  read(trouble = this.#trouble): RegistryReading {
    return {
      revision: this.#revision === undefined ? undefined : String(this.#revision),
      changedAt: this.#changedAt,
      stale: trouble && { reason: trouble.error.message, forMs: Math.max(0, this.#clock.now() - trouble.since) },
    }
  }
}
