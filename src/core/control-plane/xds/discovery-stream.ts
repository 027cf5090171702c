import type { Catalog, CatalogNamesReader, CatalogReader, Known } from './catalog.js'
import type { SubscriptionReading } from '../reading.js'
import type { ClientTraits } from './client.js'
import { makeResource, type Resource } from './resource.js'
import { RESOURCE_TYPES, type ResourceType } from './resource-type.js'
import { listenerOf } from './resources/listener.js'
import { serviceOfCluster, serviceOfListener } from './service-name.js'
import type { ResourceSource, Subscription, Verdict } from './subscription.js'

export interface DiscoveryStreamOptions<Request, Response> {
  readonly catalog: Catalog
  readonly traits: ClientTraits
  readonly subscription: (hasWildcard: boolean) => Subscription<Request, Response>
  readonly send: (type: ResourceType, response: Response) => void
  /** Hears of services that the stream is interested in, and is no more; undefined: all. */
  readonly onInterest: (service: string | undefined, interested: boolean) => void
  readonly onVerdict: (type: ResourceType, verdict: Verdict) => void
}

/**
 * "CDS updates (if any) must always be pushed first. EDS updates must arrive after CDS updates for the respective clusters. LDS updates must
 * arrive after corresponding CDS/EDS updates. RDS updates must arrive after CDS/EDS/LDS updates." (xDS, "Eventual consistency
 * considerations")
 */
const MAKE: readonly ResourceType[] = ['Cluster', 'ClusterLoadAssignment', 'Listener', 'RouteConfiguration']
/** "Stale CDS clusters and related EDS endpoints can then be removed." */
const BREAK: readonly ResourceType[] = ['Listener', 'RouteConfiguration', 'ClusterLoadAssignment', 'Cluster']

/** What belongs to one stream alone, made for names that it subscribes to. */
type OwnType = 'Listener' | 'ClusterLoadAssignment'

/**
 * One client's stream, whichever form of the protocol it speaks: its subscriptions, the services behind them, and what is sent when. Sends
 * from within `request`, and once after all that the catalog tells of at a moment.
 */
export class DiscoveryStream<Request, Response> implements CatalogReader, CatalogNamesReader {
  readonly #options: DiscoveryStreamOptions<Request, Response>
  readonly #subscriptions = new Map<ResourceType, Subscription<Request, Response>>()
  readonly #sources = new Map<ResourceType, ResourceSource>()
  readonly #followed = new Set<string>()
  /** Those of them that somebody was told of. */
  readonly #told = new Set<string>()
  /** Those made, of the names subscribed to. */
  readonly #own: Readonly<Record<OwnType, Map<string, Resource>>> = {
    Listener: new Map(),
    ClusterLoadAssignment: new Map(),
  }
  /** Clusters that were sent, and whose assignments have to follow. */
  readonly #warming = new Set<string>()
  #wantsAll = false
  /** Set while services begin to be followed: all that becomes known of them then is sent afterwards, together. */
  #settling = false
  /** Whether other services are to be followed when it catches up. */
  #followsAnew = false
  #catchUp: NodeJS.Immediate | undefined
  #closed = false

  constructor(options: DiscoveryStreamOptions<Request, Response>) {
    this.#options = options
  }

  /** Takes in a request and answers it, if there is something to answer. Throws RangeError where it asks for too much. */
  request(type: ResourceType, request: Request): void {
    if (this.#closed) return
    const subscription = this.#subscriptionOf(type)
    const { verdict, changed } = subscription.request(request)
    if (verdict) this.#options.onVerdict(type, verdict)
    if (changed) this.#followAll()
    this.#flush([type])
  }

  /** What the client is told, and what it thinks of that. */
  subscriptions(): SubscriptionReading[] {
    return Array.from(this.#subscriptions, ([type, { all, names, accepted, rejection }]) => ({
      ...{ type, all, names, rejection },
      version: accepted || undefined,
    }))
  }

  changed(service: string): void {
    this.#catchUpSoon(this.#wantsAll && this.#options.catalog.find(service) === 'absent')
  }

  namesChanged(): void {
    this.#catchUpSoon(true)
  }

  /** Sends nothing and follows nothing any more. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearImmediate(this.#catchUp)
    for (const service of [...this.#followed]) this.#unfollow(service)
    this.#wantEverything(false)
  }

  #subscriptionOf(type: ResourceType): Subscription<Request, Response> {
    let subscription = this.#subscriptions.get(type)
    if (!subscription) {
      subscription = this.#options.subscription(RESOURCE_TYPES[type].complete)
      this.#subscriptions.set(type, subscription)
      this.#sources.set(type, this.#sourceOf(type))
    }
    return subscription
  }

  /** Every service may change at one moment, and all of them are gone through. */
  #catchUpSoon(followsAnew: boolean): void {
    if (this.#settling) return
    this.#followsAnew ||= followsAnew
    this.#catchUp ??= setImmediate(() => {
      this.#catchUp = undefined
      if (this.#followsAnew) this.#followAll()
      this.#followsAnew = false
      this.#flushAll()
    })
  }

  #flushAll(): void {
    const clusters = this.#subscriptions.get('Cluster')
    const source = this.#sources.get('Cluster')
    this.#flush(clusters && source && clusters.removes(source) ? BREAK : MAKE)
  }

  #flush(types: readonly ResourceType[]): void {
    for (const type of types) this.#sendOf(type)
    if (this.#warming.size > 0) this.#sendOf('ClusterLoadAssignment')
  }

  #sendOf(type: ResourceType): void {
    const subscription = this.#subscriptions.get(type)
    if (!subscription || this.#closed) return
    if (type === 'ClusterLoadAssignment') {
      subscription.renew(this.#warming)
      this.#warming.clear()
    }
    const response = subscription.take(this.#sources.get(type)!)
    if (!response) return
    this.#options.send(type, response)
    // "Warming of Cluster is completed only when a ClusterLoadAssignment response is supplied" (xDS, "Resource warming"): one that is
    // updated, too, and without being asked for in increments. gRPC's clients use what they have.
    if (type === 'Cluster' && this.#options.traits.dialect === 'envoy') {
      for (const name of subscription.news) this.#warming.add(name)
    }
  }

  /** Follows what the subscriptions are about, and nothing else. */
  #followAll(): void {
    if (this.#closed) return
    const wanted = new Set<string>()
    for (const [type, { names }] of this.#subscriptions) {
      for (const name of names) {
        const service = serviceOf(type, name)
        if (service !== undefined) wanted.add(service)
      }
    }
    for (const [type, made] of Object.entries(this.#own) as [OwnType, Map<string, Resource>][]) {
      const names = this.#subscriptions.get(type)?.names
      for (const name of made.keys()) if (!names?.has(name)) made.delete(name)
    }
    this.#settling = true
    const all = this.#subscriptions.get('Cluster')?.all === true
    this.#wantEverything(all)
    if (all) for (const name of this.#everything() ?? []) wanted.add(name)
    for (const service of [...this.#followed]) if (!wanted.has(service)) this.#unfollow(service)
    for (const service of wanted) if (!this.#followed.has(service)) this.#follow(service)
    this.#settling = false
  }

  /**
   * All services that there are. One whose last record has gone is among them for as long as its view is: that says when what may come
   * back has gone for good.
   */
  #everything(): readonly string[] | undefined {
    const { catalog } = this.#options
    return (
      catalog.names && [...catalog.names, ...[...this.#followed].filter((service) => isThere(catalog.find(service)))]
    )
  }

  #follow(service: string): void {
    this.#followed.add(service)
    this.#options.catalog.follow(service, this)
    if (this.#wantsAll) return
    this.#told.add(service)
    this.#options.onInterest(service, true)
  }

  #unfollow(service: string): void {
    this.#followed.delete(service)
    this.#options.catalog.unfollow(service, this)
    if (this.#told.delete(service)) this.#options.onInterest(service, false)
  }

  #wantEverything(wanted: boolean): void {
    if (wanted === this.#wantsAll) return
    this.#wantsAll = wanted
    if (wanted) this.#options.catalog.followNames(this)
    else this.#options.catalog.unfollowNames(this)
    this.#options.onInterest(undefined, wanted)
  }

  #sourceOf(type: ResourceType): ResourceSource {
    const { catalog } = this.#options
    return {
      all: () => (type === 'Cluster' ? this.#everything() : []),
      find: (name) => {
        const service = serviceOf(type, name)
        if (service === undefined) return 'absent'
        const known = catalog.find(service)
        // Without a cluster to delete, nothing else says that endpoints are no more.
        if (known === 'absent' && type === 'ClusterLoadAssignment' && !this.#subscriptions.has('Cluster')) {
          return this.#ownOf(type, name, () => ({ cluster_name: name }))
        }
        if (known === 'pending' || known === 'absent') return known
        switch (type) {
          case 'Cluster':
            return known.cluster(this.#options.traits)
          case 'ClusterLoadAssignment':
            return known.assignment(this.#options.traits)
          case 'RouteConfiguration':
            return known.route(this.#options.traits)
          case 'Listener':
            return this.#ownOf(type, name, () => listenerOf(name, service))
        }
      },
    }
  }

  #ownOf(type: OwnType, name: string, message: () => object): Resource {
    let made = this.#own[type].get(name)
    if (!made) {
      made = makeResource(type, name, message())
      this.#own[type].set(name, made)
    }
    return made
  }
}

function serviceOf(type: ResourceType, name: string): string | undefined {
  return type === 'Listener' ? serviceOfListener(name) : serviceOfCluster(name)
}

function isThere(known: Known): boolean {
  return known !== 'pending' && known !== 'absent'
}
