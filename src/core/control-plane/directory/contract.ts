import type { OutlierDetection } from '../../balancer/outlier-detection.js'
import type { PolicyChoice } from '../../balancer/service-config.js'
import type { ServiceConfig } from '../../registry/service-config.js'
import type { ClientLoad } from '../client-load.js'

/**
 * What control planes answer from: the services of the registry as their clients should see them now. Whatever asks for the
 * same service shares one watch, one set of health checks and one view.
 */
export interface Directory {
  /**
   * Calls `observer` with the view of a service: with the one there is before this returns, if any, and with each later one, told when the
   * change in the registry that led to it was heard of. Views come at most every few milliseconds, the latest wins. Returns what ends it;
   * nobody is called afterwards. Observers must not throw. Throws INVALID_ARGUMENT for what is no service name, REFUSED for one that does
   * not exist while too many of those are followed, and UNAVAILABLE while nothing is known of too many, this one among them: who asked may
   * ask again later.
   */
  follow(service: string, observer: ViewObserver): () => void
  /** The same for the names of all services with a record, sorted. */
  followNames(observer: (names: readonly string[]) => void): () => void
  /**
   * Tells how further requests of a client to a service went. Weights that come from load figures in records stand still
   * while its clients send nothing.
   */
  countLoad(service: string, load: ClientLoad): void
  /** Ends everything. Idempotent. */
  close(): Promise<void>
}

/**
 * @param heardAt monotonic milliseconds; undefined for a view that no change in the registry led to, and for one that has been there for
 * a while
 */
export type ViewObserver = (view: ServiceView, heardAt?: number) => void

/**
 * A service as clients should see it: what was known last, where the registry is away. Frozen, and replaced as a whole; an equal view is the
 * same object.
 */
export interface ServiceView {
  readonly service: string
  /** Whether the registry has a record or a config of this service. */
  readonly exists: boolean
  /** Servers in the order of `ip:port` as text, each once. */
  readonly endpoints: readonly ServedEndpoint[]
  /** What the service's config says about balancing; undefined where it says nothing. */
  readonly choice: PolicyChoice | undefined
  readonly outlierDetection: OutlierDetection | undefined
  /** The service config as it is stored; undefined if there is none, or none that can be used. */
  readonly serviceConfig: ServiceConfig | undefined
}

/** A server at an address that every client can dial: host names are resolved. */
export interface ServedEndpoint {
  readonly id: string
  /** An IP address, without brackets. */
  readonly ip: string
  readonly port: number
  /** `host:port` as registered. */
  readonly address: string
  readonly zone: string | undefined
  /**
   * By the registry, or by the load that the endpoint reports where the service's config asks for that. 1 to 1000; alike for all
   * where the registry says 0 of all.
   */
  readonly weight: number
  /**
   * `usable`: takes new requests. `draining`: finishes what it has. `unhealthy`: fails its checks. Endpoints in maintenance, and of
   * weight 0 while others have more, are not served at all.
   */
  readonly state: 'usable' | 'draining' | 'unhealthy'
  readonly meta: Readonly<Record<string, string>>
}
