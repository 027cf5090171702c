import { FairleadError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { Directory, ServiceView } from '../directory/contract.js'
import { ServiceResources } from './resources/service-resources.js'

/** When the directory is asked again to follow what it refused: what does not exist, and what nothing was known of. */
const RETRY_MS = 30_000
const RETRY_UNKNOWN_MS = 1000

/** Hears when there is something new to send. Called at most once for each service that changed; must not throw. */
export interface CatalogReader {
  changed(service: string): void
}

/** A service as far as it is known: `pending` before the first view of it, `absent` where the registry has nothing of it. */
export type Known = ServiceResources | 'pending' | 'absent'

interface Followed {
  readonly readers: Set<CatalogReader>
  known: Known
  /** What was found wrong with its last config. */
  problems: ReadonlySet<string>
  stop: () => void
}

/**
 * The services that streams are interested in, each followed once for all of them, and the names of all that there are. What is followed is
 * told to those who follow it.
 */
export class Catalog {
  readonly #directory: Directory
  readonly #runtime: Runtime
  readonly #loadReports: boolean
  readonly #onTold: (heardAt: number) => void
  /** Of services that the directory does not follow for now. */
  readonly #refused = new Set<string>()
  #cancelRetry: (() => void) | undefined
  readonly #services = new Map<string, Followed>()
  readonly #nameReaders = new Set<CatalogNamesReader>()
  #names: readonly string[] | undefined
  #stopNames: (() => void) | undefined
  #closed = false

  /**
   * @param loadReports whether gRPC's clients are to report their load
   * @param onTold called when every reader was told what came of a change in the registry, with when that was heard of
   */
  constructor(directory: Directory, runtime: Runtime, loadReports: boolean, onTold: (heardAt: number) => void) {
    this.#onTold = onTold
    this.#directory = directory
    this.#runtime = runtime
    this.#loadReports = loadReports
  }

  /** The names of all services, sorted; undefined before they are known, or while nobody follows them. */
  get names(): readonly string[] | undefined {
    return this.#names
  }

  /** What is known of a service that somebody follows. */
  find(service: string): Known {
    return this.#services.get(service)?.known ?? 'pending'
  }

  /** How many follow a service. */
  readers(service: string): number {
    return this.#services.get(service)?.readers.size ?? 0
  }

  follow(service: string, reader: CatalogReader): void {
    if (this.#closed) return
    const followed = this.#services.get(service)
    if (followed) {
      followed.readers.add(reader)
      return
    }
    const fresh: Followed = { readers: new Set([reader]), known: 'pending', problems: new Set(), stop: () => undefined }
    this.#services.set(service, fresh)
    this.#start(service, fresh)
  }

  unfollow(service: string, reader: CatalogReader): void {
    const followed = this.#services.get(service)
    if (!followed?.readers.delete(reader) || followed.readers.size > 0) return
    this.#services.delete(service)
    this.#refused.delete(service)
    followed.stop()
  }

  followNames(reader: CatalogNamesReader): void {
    if (this.#closed) return
    this.#nameReaders.add(reader)
    this.#stopNames ??= this.#directory.followNames((names) => this.#takeNames(names))
  }

  unfollowNames(reader: CatalogNamesReader): void {
    if (!this.#nameReaders.delete(reader) || this.#nameReaders.size > 0) return
    this.#stopNames?.()
    this.#stopNames = this.#names = undefined
  }

  /** Follows nothing any more and tells nobody anything. Idempotent. */
  close(): void {
    this.#closed = true
    for (const { stop } of this.#services.values()) stop()
    this.#services.clear()
    this.#refused.clear()
    this.#cancelRetry?.()
    this.#nameReaders.clear()
    this.#stopNames?.()
    this.#stopNames = this.#names = undefined
  }

  #start(service: string, followed: Followed): void {
    try {
      followed.stop = this.#directory.follow(service, (view, heardAt) => this.#take(followed, view, heardAt))
      // Its readers may have had enough of the view there was.
      if (this.#services.get(service) !== followed) followed.stop()
    } catch (error) {
      const code = error instanceof FairleadError ? error.code : undefined
      if (code !== 'REFUSED' && code !== 'UNAVAILABLE') throw error
      // Nobody may delete what there is no word of yet.
      followed.known = code === 'REFUSED' ? 'absent' : 'pending'
      this.#refused.add(service)
      const wait = code === 'REFUSED' ? RETRY_MS : RETRY_UNKNOWN_MS
      this.#cancelRetry ??= this.#runtime.clock.after(wait, () => this.#retry(), { keepAlive: false })
    }
  }

  #retry(): void {
    this.#cancelRetry = undefined
    const services = [...this.#refused]
    this.#refused.clear()
    for (const service of services) {
      const followed = this.#services.get(service)
      if (followed) this.#start(service, followed)
    }
  }

  #take(followed: Followed, view: ServiceView, heardAt: number | undefined): void {
    const told = followed.problems
    const found = new Set<string>()
    const onProblem = ({ code, message }: FairleadError) => {
      const isNews = !told.has(message) && !found.has(message)
      found.add(message)
      if (isNews) this.#runtime.log.warn(`the service config of ${view.service}: ${message}`, { code })
    }
    followed.problems = found
    followed.known = view.exists ? new ServiceResources(view, { loadReports: this.#loadReports, onProblem }) : 'absent'
    for (const reader of [...followed.readers]) reader.changed(view.service)
    // Readers catch up in immediates of their own, which come before this one.
    if (heardAt !== undefined) setImmediate(() => this.#onTold(heardAt))
  }

  #takeNames(names: readonly string[]): void {
    this.#names = names
    for (const reader of [...this.#nameReaders]) reader.namesChanged()
  }
}

/** Hears when there are other services than before. Must not throw. */
export interface CatalogNamesReader {
  namesChanged(): void
}
