import { createBalancer } from '../../balancer/balancer.js'
import type { Balancer } from '../../balancer/contract.js'
import { choosePolicy } from '../../balancer/service-config.js'
import type { DataPlaneResolver } from '../../discovery/data-plane-resolver.js'
import type { CheckRoom, CheckRules } from '../../health/active/endpoint-check.js'
import { type HealthChange, HealthMonitor } from '../../health/monitor.js'
import { asFairleadError, type FairleadError } from '../../errors.js'
import { type LoadSubscription, subscribeLoad } from '../../load/subscription.js'
import type { Snapshot } from '../../model/snapshot.js'
import type { Runtime } from '../../runtime.js'
import type { ServiceView } from './contract.js'
import { Dialable, type DialableEndpoint } from './dialable.js'
import type { HostNames } from './host-names.js'
import { ServedEndpoints } from './served-endpoints.js'
import { NO_FACTS, readFacts, type ServiceFacts } from './service-facts.js'
import { Spacing } from './spacing.js'
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
  viewed(view: ServiceView): void
  /** The registry is away (with the error), or back. */
  stale(error: FairleadError | undefined): void
  health(change: HealthChange): void
}

/** A service that somebody follows: one subscription, one balancer that says who may take traffic, one view. */
export class FollowedService {
  readonly service: string
  /** What clients send to it. */
  readonly traffic: TrafficMeter
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

  /** Follows the service until `close`. */
  constructor(service: string, room: DirectoryRoom, observer: FollowedServiceObserver) {
    const { runtime, checks, checkRoom } = room
    this.service = service
    this.traffic = new TrafficMeter(runtime.clock)
    this.#room = room
    this.#observer = observer
    this.#balancer = createBalancer(
      {
        policy: CHEAPEST,
        traffic: () => this.traffic.requestsPerSecond,
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
          this.#observer.stale(undefined)
          this.#refresh()
        } else {
          this.#observer.stale(resolution.error)
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
    if (this.#view && sameView(view, this.#view)) return
    this.#view = Object.freeze(view)
    this.#observer.viewed(this.#view)
  }

  #healthChanged(change: HealthChange): void {
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
