import { contains, keyRange } from './key-range.js'
import type { WatchCreateRequest, WatchEvent, WatchRequest, WatchResponse } from './messages.js'
import { MAX_MESSAGE_BYTES } from './limits.js'
import type { WatchHub, WatchSubscriber } from './watch-hub.js'
import { Watcher } from './watcher.js'

/** The id of messages that are about no watcher in particular. */
const NO_WATCHER = '-1'

/** What the fields of an event cost beside its keys and values, at most. */
const EVENT_OVERHEAD_BYTES = 64

/**
 * One Watch stream: requests in, responses out through `send`, which returns false when the reader should be given time;
 * call resume() when it has caught up. `created` comes before a watcher's first event, and nothing after `canceled`.
 */
export class WatchStream implements WatchSubscriber {
  readonly #watchers = new Map<string, Watcher>()
  /** Ids of watches that compaction ended. As in etcd they stay taken until the client cancels them too. */
  readonly #compacted = new Set<string>()
  #nextId = 0
  #blocked = false
  #progressAsked = false
  readonly #stopProgress: () => void

  constructor(
    private readonly hub: WatchHub,
    private readonly send: (response: WatchResponse) => boolean,
  ) {
    this.#stopProgress = hub.everyProgressInterval(() => this.#notifyProgress())
  }

  /** Acts on one request. Unknown requests are ignored, as etcd does. */
  handle(request: WatchRequest): void {
    if (request.create_request) this.#create(request.create_request)
    else if (request.cancel_request) this.#cancel(request.cancel_request.watch_id)
    else if (request.progress_request) {
      this.#progressAsked = true
      this.flush()
    }
  }

  /** The reader takes messages again. */
  resume(): void {
    this.#blocked = false
    this.flush()
  }

  /** Sends what its watchers have, as far as the reader takes it. */
  flush(): void {
    for (const watcher of this.#watchers.values()) this.#drain(watcher)
    if (this.#blocked || !this.#progressAsked) return
    // "When progress is requested, […] sent only when all watchers are synced": later otherwise, after they are.
    this.#progressAsked = false
    this.#write({ header: this.#header(), watch_id: NO_WATCHER })
  }

  close(): void {
    this.#stopProgress()
    for (const watcher of this.#watchers.values()) this.hub.delete(watcher)
    this.#watchers.clear()
  }

  #create(request: WatchCreateRequest): void {
    const header = this.#header()
    const key = request.key.length === 0 ? Buffer.alloc(1) : request.key
    const range = keyRange(key, request.range_end)
    const empty = !range.single && range.end !== undefined && !contains(range, range.start)
    const taken = request.watch_id !== '0' && this.#isTaken(request.watch_id)
    if (empty || taken) {
      const reason = empty ? 'mvcc: watcher range is empty' : 'mvcc: duplicate watch ID provided on the WatchStream'
      this.#write({ header, watch_id: NO_WATCHER, created: true, canceled: true, cancel_reason: reason })
      return
    }
    const watcher = new Watcher(this.#idFor(request), range, request, this.hub.store)
    this.#watchers.set(watcher.id, watcher)
    this.#write({ header, watch_id: watcher.id, created: true })
    this.hub.add(watcher, this)
  }

  #idFor(request: WatchCreateRequest): string {
    if (request.watch_id !== '0') return request.watch_id
    while (this.#isTaken(String(this.#nextId))) this.#nextId++
    return String(this.#nextId++)
  }

  #isTaken(id: string): boolean {
    return this.#watchers.has(id) || this.#compacted.has(id)
  }

  #cancel(id: string): void {
    const watcher = this.#watchers.get(id)
    if (watcher) this.#remove(watcher)
    else if (!this.#compacted.delete(id)) return
    this.#write({ header: this.#header(), watch_id: id, canceled: true })
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher.id)
    this.hub.delete(watcher)
  }

  #drain(watcher: Watcher): void {
    while (!this.#blocked && !watcher.idle) {
      if (watcher.compacted) {
        this.#remove(watcher)
        this.#compacted.add(watcher.id)
        const { compactedRevision } = this.hub.store
        this.#write({
          header: this.hub.header(0),
          watch_id: watcher.id,
          canceled: true,
          compact_revision: compactedRevision,
        })
        return
      }
      const { changes } = watcher.take()
      if (changes.length === 0) continue
      watcher.active = true
      this.#sendEvents(
        watcher,
        changes.map((change) => watcher.eventOf(change)),
      )
    }
  }

  #sendEvents(watcher: Watcher, events: readonly WatchEvent[]): void {
    const response = { header: this.#header(), watch_id: watcher.id }
    const parts = watcher.fragment ? fragments(events) : [events]
    parts.forEach((part, index) => this.#write({ ...response, events: part, fragment: index < parts.length - 1 }))
  }

  #notifyProgress(): void {
    for (const watcher of this.#watchers.values()) {
      if (!watcher.progressNotify) continue
      if (!watcher.active && watcher.idle) this.#write({ header: this.#header(), watch_id: watcher.id })
      watcher.active = false
    }
  }

  #header() {
    return this.hub.header(this.hub.store.revision)
  }

  #write(response: WatchResponse): void {
    if (!this.send(response)) this.#blocked = true
  }
}

/** Cuts events into runs of less than the message limit, at least one event each. */
function fragments(events: readonly WatchEvent[]): WatchEvent[][] {
  const parts: WatchEvent[][] = []
  let size = Infinity
  for (const event of events) {
    const bytes = sizeOf(event)
    if (size + bytes >= MAX_MESSAGE_BYTES) {
      parts.push([])
      size = 0
    }
    parts.at(-1)!.push(event)
    size += bytes
  }
  return parts
}

function sizeOf({ kv, prev_kv: prev }: WatchEvent): number {
  const value = 'value' in kv ? kv.value.length : 0
  return EVENT_OVERHEAD_BYTES + kv.key.length + value + (prev ? prev.key.length + prev.value.length : 0)
}
