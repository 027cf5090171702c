import type { Tone } from './board.js'
import type { EndpointReport } from './report.js'

export interface Status {
  readonly tone: Tone
  readonly status: string
  readonly statusMs: number | undefined
  readonly why: string
}

/** How an endpoint is, as a word, for how long, and why. `now` is the proxy's own clock. */
export function statusOf(endpoint: EndpointReport, now: number): Status {
  const { verdict, slowStart, stateSince, healthSince, healthReason, reason } = endpoint
  const stateMs = Math.max(0, now - stateSince)
  const healthMs = Math.max(0, now - healthSince)
  switch (verdict) {
    case 'ready':
      if (slowStart === null) return { tone: 'good', status: 'ready', statusMs: undefined, why: '' }
      return {
        tone: 'warming',
        status: `warming ${Math.round(slowStart * 100)}%`,
        statusMs: undefined,
        why: 'slow start',
      }
    case 'unhealthy':
    case 'ejected':
      return { tone: 'bad', status: verdict, statusMs: healthMs, why: healthReason || reason }
    case 'panic':
      return { tone: 'bad', status: 'panic', statusMs: healthMs, why: healthReason || reason }
    case 'drain':
    case 'maint':
      return { tone: 'resting', status: verdict, statusMs: stateMs, why: reason }
    case 'weight_zero':
      return { tone: 'resting', status: 'weight 0', statusMs: undefined, why: reason }
    case 'last_resort':
      return { tone: 'warming', status: 'last resort', statusMs: undefined, why: reason }
    case 'unconnected':
      return { tone: 'warming', status: 'connecting', statusMs: undefined, why: reason }
    case 'gone':
      return { tone: 'gone', status: 'left', statusMs: stateMs, why: 'finishes what it has' }
    default:
      return { tone: 'resting', status: verdict, statusMs: undefined, why: reason }
  }
}
