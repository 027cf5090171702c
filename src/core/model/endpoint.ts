export type EndpointState = 'ready' | 'drain' | 'maint'
export type EndpointRole = 'server' | 'balancer'

/** One instance of a service as the registry describes it. Immutable; live counters belong to an Upstream. */
export interface Endpoint {
  /** Stable identity of the instance: survives a lost lease and a changed weight. Defaults to the address. */
  readonly id: string
  /** `IPv4:port`, `[IPv6]:port` or `dns-name:port`. Unique within a snapshot. */
  readonly address: string
  /** The host part of `address`, IPv6 without brackets. */
  readonly host: string
  /** 1–65535. */
  readonly port: number
  /** 0–1000. 0 gets no new traffic unless nothing else exists. */
  readonly weight: number
  readonly zone?: string
  /** `drain`: no new traffic, old may finish. `maint`: out. */
  readonly state: EndpointState
  /** `balancer` points at a lookaside balancer (grpclb), not at a server. */
  readonly role: EndpointRole
  readonly meta: Readonly<Record<string, string>>
}
