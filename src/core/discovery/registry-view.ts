import { FairleadError } from '../errors.js'
import type { KeyLayout, ParsedKey } from '../registry/keys.js'
import type { Entry, Listing, StoreEvent, StoreHeader, WatchBatch } from '../registry/store.js'
import { type Change, ServiceCache } from './service-cache.js'

/** How a header compares with what was seen before it. */
export type Sight =
  /** The registry went on from where it was. */
  | 'onward'
  /** Below a revision seen before: a member that lags, or a registry that was restored or wiped. A list tells. */
  | 'behind'
  /** Another cluster answered. */
  | 'foreign'

/** What was known when a list was begun. */
export interface ListingMark {
  readonly revision: bigint
  /** Keys deleted by events since then. */
  readonly deleted: Map<string, bigint>
}

interface Range {
  readonly prefix: string
  /** Everything below this revision is in the view. */
  next: bigint
}

/**
 * The cache of one service, or of all below the prefix, kept by lists and events in whatever order they arrive. Pure: no time, no I/O.
 *
 * Never applies an older revision, unless a list proves that the registry was replaced or went back: then the list counts as it is.
 */
export class RegistryView {
  readonly #layout: KeyLayout
  readonly #only: string | undefined
  readonly #ranges: readonly Range[]
  readonly #services = new Map<string, ServiceCache>()
  #revision = 0n
  #clusterId: string | undefined
  #mark: ListingMark | undefined

  constructor(layout: KeyLayout, service?: string) {
    this.#layout = layout
    this.#only = service
    const prefixes =
      service === undefined
        ? [layout.root]
        : [layout.records(service), layout.balancers(service), layout.tombstones(service), layout.config(service)]
    this.#ranges = prefixes.map((prefix) => ({ prefix, next: 0n }))
    if (service !== undefined) this.#services.set(service, new ServiceCache(service))
  }

  /** What to list and to watch. */
  get prefixes(): readonly string[] {
    return this.#ranges.map((range) => range.prefix)
  }

  /** The revision a watch has to start at so that nothing is missed. */
  get from(): bigint {
    return this.#ranges.reduce((least, { next }) => (next < least ? next : least), this.#ranges[0]!.next)
  }

  /** The latest revision seen in a header. */
  get revision(): bigint {
    return this.#revision
  }

  get services(): ReadonlyMap<string, ServiceCache> {
    return this.#services
  }

  /** To be called with the header of every watch response, before its events are applied. */
  observe(header: StoreHeader): Sight {
    if (this.#clusterId !== undefined && header.clusterId !== this.#clusterId) return 'foreign'
    if (header.revision < this.#revision) return 'behind'
    this.#revision = header.revision
    return 'onward'
  }

  /** Applies a batch of a watch. Events that are known already change nothing. */
  applyBatch({ events, next }: WatchBatch): Change[] {
    const changes: Change[] = []
    const ranges = events.map((event) => this.#applyEvent(event, changes))
    events.forEach((event, i) => raise(ranges[i], revisionOf(event) + 1n))
    for (const range of this.#ranges) raise(range, next)
    return changes
  }

  /** To be called before `prefixes` are listed. One list at a time. */
  beginListing(): ListingMark {
    this.#mark = { revision: this.#revision, deleted: new Map() }
    return this.#mark
  }

  /**
   * Takes over lists of all `prefixes`, in their order. `reset` tells that they are of another registry, or of one that went back: a
   * running watch then waits for revisions that may never come, and must be started anew at `from`. Throws REFUSED if the lists
   * are not of one cluster.
   */
  applyListings(
    mark: ListingMark,
    listings: readonly Listing[],
  ): { readonly changes: Change[]; readonly reset: boolean } {
    this.#mark = undefined
    const clusterId = listings[0]!.clusterId
    if (listings.some((listing) => listing.clusterId !== clusterId)) {
      throw new FairleadError('REFUSED', 'the registry endpoints belong to different clusters', {
        hint: 'list endpoints of one cluster only in --endpoints',
      })
    }
    const isOther = this.#clusterId !== undefined && clusterId !== this.#clusterId
    const reset = isOther || listings.some((listing) => listing.revision < mark.revision)
    this.#clusterId = clusterId
    if (reset) this.#revision = 0n
    const changes: Change[] = []
    listings.forEach((listing, i) => {
      if (listing.revision > this.#revision) this.#revision = listing.revision
      this.#applyListing(this.#ranges[i]!, listing, reset, mark, changes)
    })
    return { changes, reset }
  }

  /** The range the event is in; its bound is left alone, as there may be more events of the same revision. */
  #applyEvent(event: StoreEvent, changes: Change[]): Range | undefined {
    const key = event.type === 'put' ? event.entry.key : event.key
    const revision = revisionOf(event)
    const range = this.#ranges.find(({ prefix }) => key.startsWith(prefix))
    if (!range || revision < range.next) return undefined
    if (event.type === 'put') {
      this.#mark?.deleted.delete(key)
      this.#put(event.entry, changes)
    } else {
      this.#mark?.deleted.set(key, revision)
      this.#remove(key, revision, changes)
    }
    return range
  }

  #applyListing(range: Range, listing: Listing, reset: boolean, mark: ListingMark, changes: Change[]): void {
    const { revision } = listing
    const listed = new Set<string>()
    const isLater = (known: bigint | undefined) => !reset && known !== undefined && known > revision
    for (const entry of listing.entries) {
      listed.add(entry.key)
      const held = this.#held(entry.key)
      if (isLater(held?.modRevision ?? mark.deleted.get(entry.key)) || (held && sameEntry(held, entry))) continue
      this.#put(entry, changes)
    }
    for (const service of [...this.#services.values()]) {
      for (const key of [...service.keys()]) {
        if (!key.startsWith(range.prefix) || listed.has(key) || isLater(service.get(key)!.modRevision)) continue
        this.#remove(key, revision, changes)
      }
    }
    if (reset) range.next = revision + 1n
    else raise(range, revision + 1n)
  }

  #held(key: string): Entry | undefined {
    const parsed = this.#parse(key)
    return parsed && this.#services.get(parsed.service)?.get(key)
  }

  #put(entry: Entry, changes: Change[]): void {
    const parsed = this.#parse(entry.key)
    if (!parsed) return
    let service = this.#services.get(parsed.service)
    if (!service) this.#services.set(parsed.service, (service = new ServiceCache(parsed.service)))
    for (const change of service.put(parsed, entry)) changes.push(change)
  }

  #remove(key: string, revision: bigint, changes: Change[]): void {
    const parsed = this.#parse(key)
    const service = parsed && this.#services.get(parsed.service)
    if (!service) return
    for (const change of service.remove(parsed, key, revision)) changes.push(change)
    if (service.isEmpty && this.#only === undefined) this.#services.delete(service.service)
  }

  /** Undefined for keys that are not this view's: outside the layout, or of a service whose name merely starts alike. */
  #parse(key: string): ParsedKey | undefined {
    const parsed = this.#layout.parse(key)
    return this.#only === undefined || parsed?.service === this.#only ? parsed : undefined
  }
}

function raise(range: Range | undefined, next: bigint): void {
  if (range && range.next < next) range.next = next
}

function revisionOf(event: StoreEvent): bigint {
  return event.type === 'put' ? event.entry.modRevision : event.modRevision
}

/** Compares more than the revision, because a registry that was wiped and filled again reuses revisions. */
function sameEntry(a: Entry, b: Entry): boolean {
  return (
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    a.lease === b.lease &&
    a.value.equals(b.value)
  )
}
