import type { ClientStats } from '../../protos/grpclb.js'
import type { ClientLoad } from '../client-load.js'

/** What a client tells about its calls since it told last; those that failed have not reached a server. */
export interface LoadCounts extends ClientLoad {
  readonly finished: number
}

/** No client counts more calls than this between two reports. */
const MOST_CALLS = 1e12

/** What a report says. Counters that make no sense count as 0. */
export function readClientStats(stats: ClientStats): LoadCounts {
  return {
    requests: count(stats.num_calls_started),
    finished: count(stats.num_calls_finished),
    failed: count(stats.num_calls_finished_with_client_failed_to_send),
    dropped: stats.calls_finished_with_drop.reduce((sum, { num_calls }) => sum + count(num_calls), 0),
  }
}

/** Reports of clients that have made no calls say so. */
export function isIdle({ requests, finished }: LoadCounts): boolean {
  return requests === 0 && finished === 0
}

function count(value: number | string): number {
  const calls = Number(value)
  return calls > 0 && calls <= MOST_CALLS ? calls : 0
}
