import type { Endpoint } from '../model/endpoint.js'

interface Loss {
  readonly endpoint: Endpoint
  readonly at: number
  /** It came back since. */
  isBack: boolean
  /** Held until then; undefined where the loss was taken as it came. */
  until: number | undefined
}

/** A service smaller than this may lose all it has: with so few, every loss is more than half. */
const LEAST_SERVICE = 3

/**
 * Decides which endpoints that vanished from the registry are to be kept for a while. Losses count as one when they fall within a TTL,
 * because etcd ends each lease in a revision of its own. Pure: times are monotonic milliseconds given by the caller.
 */
export class Vanished {
  readonly #ttlMs: number
  #present: ReadonlyMap<string, Endpoint> = new Map()
  readonly #losses = new Map<string, Loss>()

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  /** The endpoints held, by address. */
  get held(): ReadonlyMap<string, Endpoint> {
    const held = [...this.#losses].filter(([, loss]) => loss.until !== undefined)
    return new Map(held.map(([address, loss]) => [address, loss.endpoint]))
  }

  /** When the first of the held is to be released; undefined while none is held. */
  get firstRelease(): number | undefined {
    let first: number | undefined
    for (const { until } of this.#losses.values()) {
      if (until !== undefined && (first === undefined || until < first)) first = until
    }
    return first
  }

  /** Takes over what the registry lists. `departed`, the addresses taken out on purpose, counts for earlier losses too. */
  update(endpoints: readonly Endpoint[], departed: ReadonlySet<string>, now: number): void {
    const present = new Map(endpoints.map((endpoint) => [endpoint.address, endpoint]))
    this.#forgetOld(now)
    for (const [address, endpoint] of this.#present) {
      if (!present.has(address)) this.#losses.set(address, { endpoint, at: now, isBack: false, until: undefined })
    }
    let isExplained = false
    for (const [address, loss] of this.#losses) {
      if (present.has(address)) {
        loss.isBack = true
        loss.until = undefined
      } else if (departed.has(address)) {
        isExplained = this.#losses.delete(address)
      }
    }
    this.#present = present
    if (this.#isMass((loss) => !loss.isBack)) this.#holdAll(now)
    else if (isExplained && !this.#isMass(() => true)) this.#takeAll()
  }

  /** Gives up a held endpoint that proved to be gone. False if it is not held. */
  disprove(address: string): boolean {
    return this.#losses.get(address)?.until !== undefined && this.#losses.delete(address)
  }

  /** Lets go of what was held long enough. */
  release(now: number): void {
    for (const [address, { until }] of this.#losses) {
      if (until !== undefined && until <= now) this.#losses.delete(address)
    }
  }

  /** Holds what is held for a TTL from now at least. */
  extend(now: number): void {
    for (const loss of this.#losses.values()) {
      if (loss.until !== undefined) loss.until = Math.max(loss.until, now + this.#ttlMs)
    }
  }

  /** "When more than half of a service of three or more endpoints vanishes": of what it would be without these losses. */
  #isMass(counts: (loss: Loss) => boolean): boolean {
    let lost = 0
    let lostAndBack = 0
    for (const loss of this.#losses.values()) {
      if (!counts(loss)) continue
      lost++
      if (loss.isBack) lostAndBack++
    }
    const all = this.#present.size + lost - lostAndBack
    return all >= LEAST_SERVICE && lost * 2 > all
  }

  #holdAll(now: number): void {
    for (const loss of this.#losses.values()) if (!loss.isBack) loss.until ??= now + this.#ttlMs
  }

  /** The losses were no mass expiry after all. */
  #takeAll(): void {
    for (const loss of this.#losses.values()) loss.until = undefined
  }

  /** As long as any is held, all count: they are of one incident. */
  #forgetOld(now: number): void {
    if (this.firstRelease !== undefined) return
    for (const [address, { at }] of this.#losses) if (at <= now - this.#ttlMs) this.#losses.delete(address)
  }
}
