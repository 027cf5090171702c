/** Whether an endpoint takes traffic: `ready`; `drain`: no new traffic, old may finish; `maint`: out. */
export type EndpointState = 'ready' | 'drain' | 'maint'
/** What lies at an address: a server, or a lookaside balancer (grpclb) that hands out those of servers. */
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
  readonly state: EndpointState
  readonly role: EndpointRole
  /** How much of what the instance can do is in use, 0–1, as it says itself. Absent: it does not say. */
  readonly load?: number
  readonly meta: Readonly<Record<string, string>>
}

/** Whether an endpoint says of itself that new traffic may go to it; of weight 0 too. */
export function isReadyServer({ role, state }: Pick<Endpoint, 'role' | 'state'>): boolean {
  return role === 'server' && state === 'ready'
}
