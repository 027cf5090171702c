import { count, millis, percentage, short } from '../../top/format.js'
import type { EndpointReport, ListenerReport, StateReport } from '../../top/report.js'
import { statusOf } from '../../top/status.js'
import type { CheckedService } from '../../top/registry/check-once.js'
import type { Cell, Document, JsonObject, Table } from './document.js'
import { endpointJson, stateCell } from './endpoint.js'

/** What one proxy said of itself. */
export interface ProxyAnswer {
  /** Where it was asked. */
  readonly admin: string
  /** As it was sent. */
  readonly json: unknown
  readonly state: StateReport
}

/** How proxies are, once. */
export function proxiesDocument(answers: readonly ProxyAnswer[]): Document {
  const proxies = answers.map(({ admin, json }): JsonObject => ({ admin, ...(json as JsonObject) }))
  const places = answers.flatMap(({ state }) =>
    state.listeners.flatMap((listener) => listener.endpoints.map((endpoint) => ({ state, listener, endpoint }))),
  )
  const table = (own: readonly string[], cells: (endpoint: EndpointReport) => readonly Cell[]): Table => ({
    columns: [...COLUMNS, ...own, 'state'],
    rows: places.map(({ state, listener, endpoint }) => [
      ...rowCells(listener, endpoint),
      ...cells(endpoint),
      statusCell(endpoint, state.time),
    ]),
    empty: 'no endpoints behind the listeners',
  })
  return {
    json: { proxies },
    ndjson: proxies,
    table: table([], () => []),
    wide: table(['zone', 'id', 'picks', 'open', 'ejections'], ({ zone, id, picks, connections, ejections }) => [
      zone,
      id,
      count(picks),
      connections.active,
      ejections,
    ]),
  }
}

const COLUMNS = [
  ...['service', 'listen', 'endpoint', 'weight', 'share', 'expected'],
  ...['/s', 'ok', 'p50', 'p95', 'p99', 'flight'],
]

function rowCells({ service, listen }: ListenerReport, endpoint: EndpointReport): Cell[] {
  const { address, weight, share, expectedShare, ratePerSecond, successRate, p50Ms, p95Ms, p99Ms, inFlight } = endpoint
  const ms = (value: number | null) => (value === null ? undefined : millis(value))
  return [
    ...[service, listen, address, weight],
    ...[`${percentage(share)}%`, `${percentage(expectedShare)}%`],
    ...[short(ratePerSecond), successRate === null ? undefined : `${percentage(successRate)}%`],
    ...[ms(p50Ms), ms(p95Ms), ms(p99Ms), inFlight],
  ]
}

function statusCell(endpoint: EndpointReport, now: number): Cell {
  const { tone, status, why } = statusOf(endpoint, now)
  const text = why === '' ? status : `${status}: ${why}`
  if (tone === 'good' || tone === 'warming') return { text, color: 'green' }
  return { text, color: tone === 'bad' ? 'red' : 'yellow' }
}

/** How services of the registry are, once, by what their records and one check of each endpoint say. */
export function servicesDocument(services: readonly CheckedService[]): Document {
  const json = services.map(({ service, revision, endpoints }): JsonObject => ({
    service,
    revision,
    endpoints: endpoints.map(({ record, expected, checkMs, fault }) => ({
      ...endpointJson(record),
      expected,
      healthy: fault === undefined,
      checkMs: checkMs ?? null,
      reason: fault ?? null,
    })),
  }))
  return {
    json: { services: json },
    ndjson: json,
    table: {
      columns: ['service', 'endpoint', 'weight', 'expected', 'check', 'state'],
      rows: services.flatMap(({ service, endpoints }) =>
        endpoints.map(({ record: { endpoint }, expected, checkMs, fault }) => [
          service,
          endpoint.address,
          endpoint.weight,
          `${percentage(expected)}%`,
          checkMs === undefined ? undefined : `${millis(checkMs)} ms`,
          fault === undefined ? stateCell(endpoint.state) : { text: `unhealthy: ${fault}`, color: 'red' as const },
        ]),
      ),
      empty: 'nothing is registered',
    },
  }
}
