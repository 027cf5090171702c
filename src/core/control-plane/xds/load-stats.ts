import type { ClientLoad } from '../client-load.js'
import { type Duration, millisecondsOf } from '../../protos/duration.js'

/** How a client's requests to a cluster went since it told last, as it comes off the wire: numbers as decimal text. Untrusted. */
export interface ClusterStats {
  readonly cluster_name: string
  readonly cluster_service_name: string
  readonly upstream_locality_stats: readonly {
    readonly total_successful_requests: string
    readonly total_error_requests: string
    readonly total_issued_requests: string
  }[]
  readonly total_dropped_requests: string
  readonly load_report_interval: Duration | null
}

export interface LoadSum extends ClientLoad {
  /** The time that all of this is of; above 0. */
  readonly seconds: number
}

/** All localities together. Clients that do not count what they issue (Envoy before 1.14) are taken to issue what ended. */
export function sumOf(stats: ClusterStats, usualSeconds: number): LoadSum {
  let requests = 0
  let failed = 0
  for (const locality of stats.upstream_locality_stats) {
    const errors = count(locality.total_error_requests)
    failed += errors
    requests += count(locality.total_issued_requests) || count(locality.total_successful_requests) + errors
  }
  const measured = millisecondsOf(stats.load_report_interval) / 1000
  return {
    requests,
    failed,
    dropped: count(stats.total_dropped_requests),
    seconds: measured > 0 ? measured : usualSeconds,
  }
}

/** Of a counter whatever a client may send in its place. */
function count(text: string): number {
  const number = Number(text)
  return Number.isFinite(number) && number > 0 ? number : 0
}
