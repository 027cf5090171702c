export { connect } from './core/fairlead.js'
export type { BalanceOptions, Fairlead, RegisterOptions, WaitOptions, WatchOptions } from './core/fairlead.js'
export type { ConnectOptions, Pem } from './core/library/options.js'
export type { PolicyOptions } from './core/library/policy.js'
export type { ProxyServiceOptions } from './core/library/proxy-options.js'
export type { ServeOptions } from './core/library/serve-options.js'
export type { ServiceProxy as Proxy } from './core/library/service-proxy.js'
export type { Picked, PickOptions, ServiceBalancer } from './core/library/service-balancer.js'
export type { WatchEvent } from './core/library/watch-event.js'

export { FairleadError } from './core/errors.js'
export type { ErrorCode } from './core/errors.js'
export type { LogFields, Logger } from './core/runtime.js'

export type { Endpoint, EndpointRole, EndpointState } from './core/model/endpoint.js'
export type { SkippedRecord, Snapshot } from './core/model/snapshot.js'
export type { DepartureReason } from './core/discovery/registry-event.js'
export type { ServiceSummary } from './core/discovery/list-services.js'
export type { ConflictMode } from './core/registry/claim.js'
export type { Description } from './core/registry/description.js'
export type { ServiceConfig } from './core/registry/service-config.js'
export type { CallOptions } from './core/registry/store.js'
export type {
  Registration,
  RegistrationEnd,
  RegistrationEvent,
  RegistrationOptions,
  RegistrationState,
} from './core/registry/registration.js'

export { POLICY_NAMES } from './core/balancer/policies/index.js'
export type { PolicyName } from './core/balancer/policies/index.js'
export type { BalancerStatus, UpstreamStatus } from './core/balancer/contract.js'
export type { Verdict } from './core/balancer/eligibility.js'
export type { Outcome, Upstream } from './core/balancer/upstream.js'

export type { ControlPlane } from './core/control-plane/control-plane.js'
export type { ControlPlaneEvent } from './core/control-plane/events.js'
export type { AdminEvent, ServeAdminEvent } from './core/admin/events.js'
export type { AdminState, EndpointView, ListenerView } from './core/admin/proxy/state.js'
export type { ServedEndpointView, ServedServiceView, ServeState } from './core/admin/serve/state.js'
export type { ProxyEvent } from './core/proxy/events.js'
export type { EndpointStats, ListenerStats } from './core/proxy/meters.js'
