import type { ClientStats } from '../../protos/grpclb.js'

/** What clients told about their calls, counted up. */
export interface LoadCounts {
  readonly started: number
  readonly finished: number
  /** Finished without having reached a server, drops aside. */
  readonly failedToSend: number
  /** Finished and known to have been received by a server. */
  readonly knownReceived: number
  readonly dropped: number
}

export const NO_LOAD: LoadCounts = { started: 0, finished: 0, failedToSend: 0, knownReceived: 0, dropped: 0 }

/** No client counts more calls than this between two reports. */
const MOST_CALLS = 1e12

/** What a report says. Counters that make no sense count as 0. */
export function readClientStats(stats: ClientStats): LoadCounts {
  return {
    started: count(stats.num_calls_started),
    finished: count(stats.num_calls_finished),
    failedToSend: count(stats.num_calls_finished_with_client_failed_to_send),
    knownReceived: count(stats.num_calls_finished_known_received),
    dropped: stats.calls_finished_with_drop.reduce((sum, { num_calls }) => sum + count(num_calls), 0),
  }
}

export function addLoad(a: LoadCounts, b: LoadCounts): LoadCounts {
  return {
    started: a.started + b.started,
    finished: a.finished + b.finished,
    failedToSend: a.failedToSend + b.failedToSend,
    knownReceived: a.knownReceived + b.knownReceived,
    dropped: a.dropped + b.dropped,
  }
}

/** Reports of clients that have made no calls say so. */
export function isIdle({ started, finished }: LoadCounts): boolean {
  return started === 0 && finished === 0
}

function count(value: number | string): number {
  const calls = Number(value)
  return calls > 0 && calls <= MOST_CALLS ? calls : 0
}
