import type { EndpointView, ListenerView } from '../core/admin/proxy/state.js'
import { FairleadError } from '../core/errors.js'
import { Fields } from './fields.js'

/** What the view takes of the answer to GET /state, checked, its text safe for a terminal. */
export interface StateReport {
  /** Wall clock of the proxy, milliseconds. */
  readonly time: number
  /** Tells one process from the next on the same address. */
  readonly process: string
  readonly draining: boolean
  /** `open`, `token`, or empty: not at all. */
  readonly actions: string
  readonly listeners: readonly ListenerReport[]
}

export type ListenerReport = Pick<
  ListenerView,
  'listen' | 'service' | 'policy' | 'panic' | 'eligible' | 'total' | 'retries' | 'ejections' | keyof TrafficReport
> & {
  readonly isStatic: boolean
  readonly configError: string
  readonly registry: {
    readonly state: string
    readonly revision: string
    readonly staleMs: number
    readonly reason: string
  }
  readonly endpoints: readonly EndpointReport[]
}

export type TrafficReport = Pick<
  ListenerView,
  'ratePerSecond' | 'successRate' | 'p50Ms' | 'p95Ms' | 'p99Ms' | 'inFlight'
>

export type EndpointReport = Pick<
  EndpointView,
  | 'address'
  | 'id'
  | 'weight'
  | 'effectiveWeight'
  | 'eligible'
  | 'reason'
  | 'healthReason'
  | 'faultyWorkers'
  | 'slowStart'
  | 'share'
  | 'expectedShare'
  | 'ewmaMs'
  | 'picks'
  | 'ejections'
  | 'requests'
  | 'connections'
  | 'bytesSent'
  | 'bytesReceived'
  | keyof TrafficReport
> & {
  readonly zone: string
  readonly role: string
  readonly state: string
  readonly verdict: string
  readonly health: string
  /** Wall clock, milliseconds. */
  readonly stateSince: number
  readonly healthSince: number
  readonly meta: readonly (readonly [string, string])[]
}

/** Throws INVALID_ARGUMENT where `json` is not the state of a proxy, of schema version 1. */
export function readState(json: unknown): StateReport {
  const state = new Fields(json)
  const version = state.number('schemaVersion')
  if (version !== 1) {
    throw new FairleadError('INVALID_ARGUMENT', `the admin endpoint answers in version ${version}, not 1`, {
      hint: 'use the fairlead that the proxy is of',
    })
  }
  const process = state.object('process')
  if (process.text('kind') === 'serve') {
    throw new FairleadError(
      'INVALID_ARGUMENT',
      'a control plane answers (fairlead serve), and no traffic goes through it',
      {
        hint: 'GET /state there says what it tells clients; fairlead top --service NAME follows a service',
      },
    )
  }
  return {
    time: time(state, 'time'),
    process: `${process.number('pid')} ${process.text('startedAt')}`,
    draining: process.boolean('draining'),
    actions: process.optionalText('actions'),
    listeners: state.list('listeners').map((listener) => readListener(new Fields(listener))),
  }
}

function readListener(fields: Fields): ListenerReport {
  const registry = fields.object('registry')
  return {
    ...readTraffic(fields),
    listen: fields.text('listen'),
    service: fields.text('service'),
    isStatic: fields.text('source') === 'static',
    policy: fields.text('policy'),
    configError: fields.optionalText('configError'),
    panic: fields.boolean('panic'),
    registry: {
      state: registry.text('state'),
      revision: registry.optionalText('revision'),
      staleMs: registry.number('staleMs'),
      reason: registry.optionalText('reason'),
    },
    eligible: fields.number('eligible'),
    total: fields.number('total'),
    retries: fields.number('retries'),
    ejections: fields.number('ejections'),
    endpoints: fields.list('endpoints').map((endpoint) => readEndpoint(new Fields(endpoint))),
  }
}

function readEndpoint(fields: Fields): EndpointReport {
  return {
    ...readTraffic(fields),
    address: fields.text('address'),
    id: fields.text('id'),
    zone: fields.optionalText('zone'),
    role: fields.text('role'),
    meta: fields.pairs('meta'),
    weight: fields.number('weight'),
    effectiveWeight: fields.number('effectiveWeight'),
    state: fields.text('state'),
    stateSince: time(fields, 'stateSince'),
    eligible: fields.boolean('eligible'),
    verdict: fields.text('verdict'),
    reason: fields.text('reason'),
    health: fields.text('health'),
    healthSince: time(fields, 'healthSince'),
    healthReason: fields.text('healthReason'),
    faultyWorkers: fields.number('faultyWorkers'),
    slowStart: fields.optionalNumber('slowStart'),
    share: fields.number('share'),
    expectedShare: fields.number('expectedShare'),
    ewmaMs: fields.optionalNumber('ewmaMs'),
    picks: fields.number('picks'),
    ejections: fields.number('ejections'),
    requests: readCounts(fields.object('requests')),
    connections: readCounts(fields.object('connections')),
    bytesSent: fields.number('bytesSent'),
    bytesReceived: fields.number('bytesReceived'),
  }
}

function readTraffic(fields: Fields): TrafficReport {
  return {
    ratePerSecond: fields.number('ratePerSecond'),
    successRate: fields.optionalNumber('successRate'),
    p50Ms: fields.optionalNumber('p50Ms'),
    p95Ms: fields.optionalNumber('p95Ms'),
    p99Ms: fields.optionalNumber('p99Ms'),
    inFlight: fields.number('inFlight'),
  }
}

function readCounts(fields: Fields) {
  return { total: fields.number('total'), active: fields.number('active'), failed: fields.number('failed') }
}

function time(fields: Fields, name: string): number {
  const value = Date.parse(fields.text(name))
  return Number.isNaN(value) ? 0 : value
}
