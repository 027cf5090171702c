import type { Head } from '../http/head.js'
import type { HttpSettings } from '../settings.js'
import type { ServiceContext } from '../service/context.js'
import type { CallConfig, CallConfigs } from '../../balancer/call-config.js'
import type { Deadlines } from './deadlines.js'
import type { HttpEndpoints } from './endpoints.js'
import type { ForwardedFields } from './forwarded.js'
import type { IdleRequests } from './idle-requests.js'
import type { RetryBudget } from './retry-budget.js'
import type { RetryThrottle } from './retry-throttle.js'
import type { SavedRequests } from './saved-request.js'
import type { Sticky } from './sticky.js'
import type { TurnClock } from './turn-clock.js'
import type { UpstreamProtocol } from './upstream-pool.js'
import type { WaitingRoom } from './waiting-room.js'

/** What all requests of one listener share. */
export interface RelayContext {
  readonly listener: ServiceContext
  readonly endpoints: HttpEndpoints
  readonly saved: SavedRequests
  readonly clock: TurnClock
  readonly deadlines: Deadlines
  readonly idle: IdleRequests
  readonly budget: RetryBudget
  readonly throttle: RetryThrottle
  /** What to go by now. */
  readonly settings: HttpSettings
  readonly calls: CallConfigs
  /** Calls that wait for an endpoint. */
  readonly waiting: WaitingRoom
  /** Undefined: clients are not kept with their endpoints. */
  readonly sticky: Sticky | undefined
}

/** The client's connection, as its requests see it. */
export interface RequestSource {
  /** What the client speaks. */
  readonly protocol: UpstreamProtocol
  /** Whether it speaks TLS. */
  readonly secure: boolean
  /** The fields that tell an endpoint of the client. */
  readonly forwarded: ForwardedFields
  /** What hash policies go by for this request; undefined where it has no such thing. */
  hashKey(head: Head): string | undefined
  /** What the service config says about the method that is called. */
  callConfig(head: Head): CallConfig | undefined
}
