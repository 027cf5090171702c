import type { Figures, Row, Section, SourceStatus, Trend } from './board.js'
import type { EndpointReport, ListenerReport, StateReport, TrafficReport } from './report.js'
import { statusOf } from './status.js'
import type { TrendBook } from './trends.js'

/** What a proxy says of itself as sections, its recent past out of `trends` added. `now` is monotonic milliseconds. */
export function proxySections(source: SourceStatus, state: StateReport, trends: TrendBook, now: number): Section[] {
  const names = new Set<string>()
  const sections = state.listeners.map((listener) => {
    const key = `${source.name} ${listener.listen}`
    const rows = listener.endpoints.map((endpoint): Row => {
      const name = `${key} ${endpoint.address}`
      names.add(name)
      const { rate, latency } = trends.count(name, now, endpoint.picks, endpoint.p99Ms)
      return {
        key: name,
        address: endpoint.address,
        zone: endpoint.zone,
        weight: endpoint.weight,
        ...statusOf(endpoint, state.time),
        share: endpoint.share,
        expected: endpoint.expectedShare,
        traffic: figures(endpoint),
        rateTrend: rate,
        latencyTrend: latency,
        checkMs: null,
        details: { from: 'proxy', report: endpoint },
      }
    })
    names.add(key)
    const rate = rows.reduce((sum, row) => sum + (row.rateTrend.at(-1) ?? 0), 0)
    return section(source, state, listener, key, rows, trends.sample(key, now, rate))
  })
  trends.keep(names)
  return sections
}

function section(
  source: SourceStatus,
  state: StateReport,
  listener: ListenerReport,
  key: string,
  rows: readonly Row[],
  rateTrend: Trend,
): Section {
  const { registry, retries, ejections } = listener
  return {
    key,
    source,
    service: listener.service,
    listen: listener.listen,
    policy: listener.policy,
    registry: listener.isStatic
      ? 'static'
      : registry.state === 'live' || registry.state === 'stale'
        ? registry.state
        : 'unknown',
    revision: registry.revision,
    staleMs: registry.staleMs,
    staleReason: registry.reason,
    traffic: { ...figures(listener), spread: spreadOf(listener.endpoints), retries, ejections, rateTrend },
    eligible: listener.eligible,
    total: listener.total,
    warnings: warningsOf(state, listener),
    changeable: state.actions !== '' && !listener.isStatic,
    rows,
  }
}

function figures(report: TrafficReport): Figures {
  const { ratePerSecond, successRate, p50Ms, p95Ms, p99Ms, inFlight } = report
  return { rate: ratePerSecond, success: successRate, p50Ms, p95Ms, p99Ms, inFlight }
}

/** Half the sum of how far each is off: the part that would have to go elsewhere. 0 without traffic. */
function spreadOf(endpoints: readonly EndpointReport[]): number {
  let off = 0
  let shares = 0
  for (const { share, expectedShare } of endpoints) {
    off += Math.abs(share - expectedShare)
    shares += share
  }
  return shares === 0 ? 0 : off / 2
}

function warningsOf(state: StateReport, listener: ListenerReport): string[] {
  const warnings: string[] = []
  if (listener.panic) warnings.push('panic: too few are healthy, all are used')
  if (listener.configError !== '') warnings.push(`service config not in use: ${listener.configError}`)
  if (state.draining) warnings.push('the proxy is draining')
  return warnings
}
