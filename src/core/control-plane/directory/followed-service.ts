import { createBalancer } from '../../balancer/balancer.js'
import type { Balancer } from '../../balancer/contract.js'
import { choosePolicy } from '../../balancer/service-config.js'
import type { DataPlaneResolver } from '../../discovery/data-plane-resolver.js'
import type { Trouble } from '../../discovery/registry-account.js'
import type { CheckRoom, CheckRules } from '../../health/active/endpoint-check.js'
import { type HealthChange, HealthMonitor } from '../../health/monitor.js'
import { asFairleadError } from '../../errors.js'
import { type LoadSubscription, subscribeLoad } from '../../load/subscription.js'
import type { Snapshot } from '../../model/snapshot.js'
import type { Runtime } from '../../runtime.js'
import type { ClientLoad } from '../client-load.js'
import type { ServiceView } from './contract.js'
import { Dialable, type DialableEndpoint } from './dialable.js'
import type { HostNames } from './host-names.js'
import { ServedEndpoints } from './served-endpoints.js'
import { NO_FACTS, readFacts, type ServiceFacts } from './service-facts.js'
import { Spacing } from './spacing.js'
import { readEndpoints } from './read-endpoints.js'
import type { FollowedReading } from './reading.js'
import { ServiceHistory } from './service-history.js'
import { TrafficMeter } from './traffic-meter.js'

const CHEAPEST = choosePolicy('pick_first')
/** The least time between two views, milliseconds. */
const SPACING_MS = 10
/** How long the first view waits for host names to be looked up, milliseconds. */
const PATIENCE_MS = 2000

/** What the services of a directory share. */
export interface DirectoryRoom {
  readonly resolver: DataPlaneResolver
  readonly hosts: HostNames
  readonly checks: CheckRules | undefined
  readonly checkRoom: CheckRoom
  readonly runtime: Runtime
}

export interface FollowedServiceObserver {
  /** There is another view than before. */
  viewed(view: ServiceView, heardAt: number | undefined): void
  /** The registry is away, or back. */
  stale(trouble: Trouble | undefined): void
  health(change: HealthChange): void
}

/** A service that somebody follows: one subscription, one balancer that says who may take traffic, one view. */
export class FollowedService {
  readonly service: string
  readonly #history: ServiceHistory
  /** What clients send to it. */
  readonly #traffic: TrafficMeter
  readonly #room: DirectoryRoom
  readonly #observer: FollowedServiceObserver
  readonly #end = new AbortController()
  readonly #balancer: Balancer
  readonly #monitor: HealthMonitor | undefined
  readonly #load: LoadSubscription
  readonly #dialable: Dialable
  readonly #served = new ServedEndpoints()
  readonly #refreshes: Spacing
  readonly #views: Spacing
  #snapshot: Snapshot | undefined
  #facts: ServiceFacts = NO_FACTS
  #patience: (() => void) | undefined
  #isPatient = true
  #isByLoad = false
  #isUpdating = false
  #view: ServiceView | undefined
  /** When the change was heard of that the next view tells, monotonic milliseconds. */
  #heardAt: number | undefined

  /** Follows the service until `close`. */
  constructor(service: string, room: DirectoryRoom, observer: FollowedServiceObserver) {
    const { runtime, checks, checkRoom } = room
    this.service = service
    this.#traffic = new TrafficMeter(runtime.clock)
    this.#history = new ServiceHistory(runtime.clock)
    this.#room = room
    this.#observer = observer
    this.#balancer = createBalancer(
      {
        policy: CHEAPEST,
        traffic: () => this.#traffic.requestsPerSecond,
        onChange: () => this.#isUpdating || this.#views.touch(),
      },
      runtime,
    )
    this.#monitor =
      checks &&
      new HealthMonitor({ checks, outlierDetection: false }, this.#balancer, checkRoom, (change) =>
        this.#healthChanged(change),
      )
    this.#load = subscribeLoad(this.#balancer, runtime)
    this.#refreshes = new Spacing(SPACING_MS, runtime.clock, () => this.#refresh())
    this.#views = new Spacing(SPACING_MS, runtime.clock, () => this.#publish())
    this.#dialable = new Dialable(room.hosts, runtime.log, () => this.#refreshes.touch())
    void this.#run()
  }

  /** The view as it is; undefined while nothing is known. */
  get view(): ServiceView | undefined {
    return this.#view
  }

  /** Takes in how further requests of a client went. */
  countLoad(load: ClientLoad): void {
    this.#history.load.add(load)
    this.#traffic.count(load.requests)
  }

  read(): FollowedReading {
    const { service } = this
    const { endpoints: served = [], exists = false } = this.#view ?? {}
    const told = { usable: 0, draining: 0, unhealthy: 0 }
    for (const { state } of served) told[state]++
    return {
      ...{ service, exists, told },
      policy: this.#facts.choice?.policy.name,
      panic: this.#history.panic,
      registry: this.#history.account.read(),
      toldAt: this.#history.toldAt,
      registered: this.#snapshot?.endpoints.length ?? 0,
      load: this.#history.load.read(),
      endpoints: () =>
        readEndpoints({
          // Before the first view nothing has been made of them.
          registered: this.#view ? this.#snapshot!.endpoints : [],
          upstreams: this.#balancer.status().upstreams,
          served,
          whyLeftOut: (endpoint) => this.#dialable.whyLeftOut(endpoint),
          fault: (address) => this.#history.fault(address),
        }),
    }
  }

  /** Ends everything; the observer hears nothing more. Idempotent. */
  close(): void {
    this.#end.abort()
    this.#patience?.()
    this.#refreshes.close()
    this.#views.close()
    this.#monitor?.close()
    this.#load.close()
    this.#dialable.close()
  }

  async #run(): Promise<void> {
    const { resolver, runtime } = this.#room
    const { signal } = this.#end
    try {
      for await (const resolution of resolver.resolve(this.service, signal)) {
        if (signal.aborted) return
        if (resolution.kind === 'snapshot') {
          this.#snapshot = resolution.snapshot
          this.#heardAt ??= runtime.clock.now()
          this.#history.account.heard(resolution.snapshot.revision)
          this.#observer.stale(undefined)
          this.#refresh()
        } else {
          this.#history.account.lost(resolution)
          this.#observer.stale(resolution)
        }
      }
    } catch (error) {
      runtime.log.error('a service cannot be followed', {
        service: this.service,
        error: asFairleadError(error).message,
      })
    }
  }

  /** Has the balancer take over what is known. */
  #refresh(): void {
    const { snapshot, pending } = this.#dialable.expand(this.#snapshot!)
    if (pending && this.#isPatient) {
      this.#patience ??= this.#room.runtime.clock.after(PATIENCE_MS, () => this.#losePatience())
      return
    }
    this.#isPatient = false
    this.#patience?.()
    this.#facts = readFacts(snapshot, this.#facts, this.#room.runtime.log)
    this.#isUpdating = true
    this.#choosePolicy()
    this.#balancer.update(snapshot)
    this.#history.checked(snapshot)
    this.#load.update()
    this.#isUpdating = false
    this.#views.touch()
  }

  /** Nobody picks here: but for weights that come from load reports, the policy is of no consequence. */
  #choosePolicy(): void {
    const { choice } = this.#facts
    const byLoad = choice?.policy.loadWeights?.(choice.config) !== undefined
    if (byLoad === this.#isByLoad) return
    this.#isByLoad = byLoad
    this.#balancer.setPolicy(byLoad ? undefined : CHEAPEST)
  }

  #losePatience(): void {
    this.#isPatient = false
    this.#refresh()
  }

  #publish(): void {
    const { endpoints, skipped } = this.#snapshot!
    const view: ServiceView = {
      service: this.service,
      exists: endpoints.length > 0 || skipped.length > 0 || this.#facts.serviceConfig !== undefined,
      endpoints: this.#served.of(this.#balancer.status().upstreams),
      ...this.#facts,
    }
    // The first one tells of no change.
    const heardAt = this.#view && this.#heardAt
    this.#heardAt = undefined
    if (this.#view && sameView(view, this.#view)) return
    this.#view = Object.freeze(view)
    this.#history.told()
    this.#observer.viewed(this.#view, heardAt)
  }

  #healthChanged(change: HealthChange): void {
    this.#history.health(change)
    this.#observer.health(change)
    if (change.kind === 'panic' || change.health === 'healthy') return
    // Endpoints that expired together are held until they are seen to be gone.
    this.#room.resolver.disprove(this.service, this.#registeredAddress(change.address))
  }

  #registeredAddress(address: string): string {
    const status = this.#balancer.status().upstreams.find(({ upstream }) => upstream.endpoint.address === address)
    const endpoint: DialableEndpoint | undefined = status?.upstream.endpoint
    return endpoint?.registered ?? address
  }
}

function sameView(a: ServiceView, b: ServiceView): boolean {
  return (
    a.exists === b.exists &&
    a.endpoints === b.endpoints &&
    a.choice === b.choice &&
    a.outlierDetection === b.outlierDetection &&
    a.serviceConfig === b.serviceConfig
  )
}
