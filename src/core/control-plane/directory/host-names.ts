import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { Backoff } from '../../backoff.js'
import { Gate } from '../../health/active/gate.js'
import { refusedKind } from '../../net/refused-addresses.js'
import { type Runtime, sleep } from '../../runtime.js'

/** Resolves a host name to all of its IP addresses. */
export type Lookup = (name: string) => Promise<readonly string[]>

/** As the system does. */
export const systemLookup: Lookup = async (name) => (await lookup(name, { all: true })).map(({ address }) => address)

/** Between two lookups of a name, milliseconds; a tenth more or less, so that names do not stay together. */
const REFRESH_MS = 30_000
const JITTER = 0.1
/** The least and the most that a failed lookup waits for the next, milliseconds. */
const RETRY_MS = 1000
const RETRY = { initialMs: 2000, maxMs: REFRESH_MS }
/** Of one name. */
const MAX_ADDRESSES = 256
/** Each lookup takes a thread of the few that file access needs too. */
const LOOKUPS_AT_ONCE = 2

/**
 * The IP addresses of host names, looked up again and again for as long as somebody follows them. A lookup that fails changes
 * nothing: the last answer counts. Addresses that must not be connected to are left out. Of a name with IPv4 and IPv6
 * addresses only the former count: they mostly are the same machines, and not every client has IPv6.
 */
export class HostNames {
  readonly #lookup: Lookup
  readonly #runtime: Runtime
  readonly #gate = new Gate(LOOKUPS_AT_ONCE)
  readonly #names = new Map<string, Followed>()

  constructor(lookup: Lookup, runtime: Runtime) {
    this.#lookup = lookup
    this.#runtime = runtime
  }

  /** Looks a name up from now on and calls `observer` when its addresses have changed. Returns what ends it. */
  follow(name: string, observer: () => void): () => void {
    let followed = this.#names.get(name)
    if (!followed) {
      this.#names.set(name, (followed = new Followed()))
      void this.#keep(name, followed)
    }
    const { observers, end } = followed
    observers.add(observer)
    return () => {
      if (!observers.delete(observer) || observers.size > 0) return
      end.abort()
      this.#names.delete(name)
    }
  }

  /** The addresses of a followed name, sorted: the same list until they change. Undefined while no lookup has come to an end. */
  addresses(name: string): readonly string[] | undefined {
    return this.#names.get(name)?.addresses
  }

  async #keep(name: string, followed: Followed): Promise<void> {
    const { signal } = followed.end
    const { clock, random, log } = this.#runtime
    const backoff = new Backoff(random, RETRY)
    while (await this.#gate.enter(signal)) {
      let wait = REFRESH_MS * (1 + JITTER * (2 * random.next() - 1))
      try {
        const found = await this.#lookup(name)
        if (!signal.aborted) followed.take(this.#usable(name, found))
        backoff.reset()
      } catch (error) {
        wait = RETRY_MS + backoff.next()
        if (!signal.aborted) {
          log.warn('a host name cannot be resolved', { name, reason: (error as Error).message })
          followed.take(followed.addresses ?? NONE)
        }
      } finally {
        this.#gate.leave()
      }
      await sleep(clock, wait, signal).catch(() => undefined)
    }
  }

  #usable(name: string, found: readonly string[]): string[] {
    const allowed = found.filter((ip) => {
      const kind = refusedKind(ip)
      if (kind !== undefined) this.#runtime.log.warn('a host name resolves to a refused address', { name, ip, kind })
      return kind === undefined
    })
    const ofIPv4 = allowed.filter((ip) => isIPv4(ip))
    return [...new Set(ofIPv4.length > 0 ? ofIPv4 : allowed)].sort().slice(0, MAX_ADDRESSES)
  }
}

const NONE: readonly string[] = Object.freeze([])

class Followed {
  readonly observers = new Set<() => void>()
  readonly end = new AbortController()
  addresses: readonly string[] | undefined

  take(addresses: readonly string[]): void {
    const before = this.addresses
    if (before?.length === addresses.length && before.every((ip, i) => ip === addresses[i])) return
    this.addresses = Object.freeze([...addresses])
    for (const observer of [...this.observers]) if (this.observers.has(observer)) observer()
  }
}
