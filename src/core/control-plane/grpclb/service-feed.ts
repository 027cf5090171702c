import type { Directory, ServiceView } from '../directory/contract.js'
import { encodeServerList } from './encode.js'
import { listTurns } from './server-list.js'

/** Who is told the lists of a service. */
export interface ListSubscriber {
  /** The client's zone, or the server's where the client did not say. */
  readonly zone: string | undefined
  /** Takes the list that counts from now on, as a message that is ready to be sent. Returns how many bytes are under way for it. */
  offer(list: Buffer): number
}

/** How much is written before sockets get a turn: a large list for thousands of clients would otherwise stand in memory as often. */
const BATCH_BYTES = 4 * 2 ** 20

/** The list of clients that are in none of the service's zones. */
const NO_ZONE = ''

/**
 * The lists of one service, of which there is one for each zone that it has endpoints in, and one for everybody else. Each is made
 * and serialised once per view. Nothing is known, and nobody told, before the directory has seen the service.
 */
export class ServiceFeed {
  readonly #subscribers = new Set<ListSubscriber>()
  readonly #onTold: (heardAt: number) => void
  readonly #unfollow: () => void
  #view: ServiceView | undefined
  #lists = new Map<string, Buffer>()
  #zones: ReadonlySet<string> = new Set()
  #isDelivering = false
  #isDue = false
  /** Of the first change that not everybody was told yet. */
  #heardAt: number | undefined

  /**
   * Follows the service until `close`. Throws INVALID_ARGUMENT for what is no service name.
   *
   * @param onTold called when every subscriber was told what came of a change in the registry, with when that was heard of
   */
  constructor(service: string, directory: Directory, onTold: (heardAt: number) => void) {
    this.#onTold = onTold
    this.#unfollow = directory.follow(service, (view, heardAt) => this.#take(view, heardAt))
  }

  get size(): number {
    return this.#subscribers.size
  }

  /** Tells the subscriber the list there is, if any, and each later one until it is removed. */
  add(subscriber: ListSubscriber): void {
    this.#subscribers.add(subscriber)
    if (this.#view) subscriber.offer(this.#listFor(this.#view, subscriber.zone))
  }

  remove(subscriber: ListSubscriber): void {
    this.#subscribers.delete(subscriber)
  }

  /** Idempotent. Nobody is told anything afterwards. */
  close(): void {
    this.#unfollow()
    this.#subscribers.clear()
  }

  #take(view: ServiceView, heardAt: number | undefined): void {
    this.#view = view
    this.#heardAt ??= heardAt
    this.#zones = new Set(view.endpoints.flatMap(({ zone }) => zone ?? []))
    const before = this.#lists
    this.#lists = new Map()
    for (const [key, list] of before) this.#renew(view, key, list)
    if (this.#isDelivering) this.#isDue = true
    else this.#deliver(view, this.#subscribers.values())
  }

  /** Makes a list anew, and goes on with the same one where it says the same. */
  #renew(view: ServiceView, key: string, before: Buffer): void {
    if (key !== NO_ZONE && !this.#zones.has(key)) return
    const list = encodeList(view, key)
    this.#lists.set(key, list.equals(before) ? before : list)
  }

  /** Goes through the subscribers in turn, some at a time; each gets what counts when its turn comes. */
  #deliver(view: ServiceView, rest: Iterator<ListSubscriber>): void {
    this.#isDelivering = true
    let bytes = 0
    for (let next = rest.next(); !next.done; next = rest.next()) {
      bytes += next.value.offer(this.#listFor(view, next.value.zone))
      if (bytes < BATCH_BYTES) continue
      setImmediate(() => this.#deliver(this.#view!, rest))
      return
    }
    this.#isDelivering = false
    if (!this.#isDue) return this.#told()
    this.#isDue = false
    this.#deliver(this.#view!, this.#subscribers.values())
  }

  #told(): void {
    if (this.#heardAt !== undefined) this.#onTold(this.#heardAt)
    this.#heardAt = undefined
  }

  #listFor(view: ServiceView, zone: string | undefined): Buffer {
    const key = zone !== undefined && this.#zones.has(zone) ? zone : NO_ZONE
    let list = this.#lists.get(key)
    if (list === undefined) this.#lists.set(key, (list = encodeList(view, key)))
    return list
  }
}

function encodeList(view: ServiceView, key: string): Buffer {
  return encodeServerList(view.service, listTurns(view, key === NO_ZONE ? undefined : key))
}
