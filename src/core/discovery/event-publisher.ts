import type { FairleadError } from '../errors.js'
import { compareText } from '../model/order.js'
import type { Clock } from '../runtime.js'
import { EventQueue } from './event-queue.js'
import type { RegistryEvent } from './registry-event.js'
import type { RegistryView } from './registry-view.js'
import type { Change } from './service-cache.js'

/** How long a deletion waits for the tombstone that explains it, milliseconds: the two come by different watches. */
const TOMBSTONE_GRACE_MS = 50

/** A change waits until `due` at most; anything else only for those before it. */
type Pending = { readonly change: Change; readonly due: number } | { readonly event: RegistryEvent }

/** Hands every change to its readers, in order, deletions with their reason. */
export class EventPublisher {
  readonly #view: RegistryView
  readonly #clock: Clock
  readonly #queues = new Set<EventQueue>()
  #pending: Pending[] = []
  #cancel: (() => void) | undefined
  #isReady = false
  #stale: RegistryEvent | undefined

  constructor(view: RegistryView, clock: Clock) {
    this.#view = view
    this.#clock = clock
  }

  /** Adds a reader; the first thing it gets is all there is. */
  add(): EventQueue {
    this.#pump(true)
    const queue = new EventQueue(() => this.#snapshot())
    if (this.#isReady) queue.push(this.#snapshot())
    if (this.#stale) queue.push(this.#stale)
    this.#queues.add(queue)
    return queue
  }

  remove(queue: EventQueue): void {
    this.#queues.delete(queue)
  }

  /** The view has changed. The first time, readers get a snapshot instead of the changes. */
  changed(changes: readonly Change[]): void {
    if (!this.#isReady) {
      this.#isReady = true
      this.#push(this.#snapshot())
    } else if (this.#queues.size > 0) {
      const due = this.#clock.now() + TOMBSTONE_GRACE_MS
      for (const change of changes) this.#pending.push({ change, due })
      this.#pump(false)
    }
  }

  stale(since: number, error: FairleadError): void {
    this.#stale = { type: 'stale', revision: this.#view.revision, since, error }
    this.#push(this.#stale)
  }

  live(): void {
    if (!this.#stale) return
    this.#stale = undefined
    this.#push({ type: 'live', revision: this.#view.revision })
  }

  close(): void {
    this.#cancel?.()
  }

  #push(event: RegistryEvent): void {
    this.#pending.push({ event })
    this.#pump(false)
  }

  /** Delivers up to the first deletion that still waits for its tombstone; everything if `all`. */
  #pump(all: boolean): void {
    this.#cancel?.()
    this.#cancel = undefined
    const now = this.#clock.now()
    let delivered = 0
    for (const pending of this.#pending) {
      const event = 'event' in pending ? pending.event : this.#explain(pending.change, all || pending.due <= now)
      if (!event) {
        const { due } = pending as { due: number }
        this.#cancel = this.#clock.after(due - now, () => this.#pump(false))
        break
      }
      for (const queue of this.#queues) queue.push(event)
      delivered++
    }
    this.#pending = this.#pending.slice(delivered)
  }

  #explain({ type, service, revision, record }: Change, isDue: boolean): RegistryEvent | undefined {
    if (type === 'put') return { type, service, revision, record }
    const { departed } = this.#view.services.get(service) ?? {}
    if (departed?.has(record.endpoint.address)) return { type, service, revision, record, reason: 'deregistered' }
    if (!isDue) return undefined
    return { type, service, revision, record, reason: record.lease === 0n ? 'deleted' : 'expired' }
  }

  #snapshot(): RegistryEvent {
    const { revision } = this.#view
    const services = [...this.#view.services.values()]
      .sort((a, b) => compareText(a.service, b.service))
      .map((cache) => ({
        service: cache.service,
        records: cache.records(),
        skipped: cache.snapshot(revision).skipped,
      }))
    return { type: 'snapshot', revision, services }
  }
}
