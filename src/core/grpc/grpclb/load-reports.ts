import type { ClientStats } from '../../protos/grpclb.js'
import type { Clock } from '../../runtime.js'
import type { CallStats } from './call-stats.js'

/** No balancer is told more often, whatever it asks for. */
const MIN_INTERVAL_MS = 1000

/**
 * Reports to one stream, one each interval. A report that nothing has happened is sent once; further ones would say nothing new.
 * Returns what ends it.
 */
export function reportLoad(
  stats: CallStats,
  intervalMs: number,
  clock: Clock,
  send: (stats: ClientStats) => void,
): () => void {
  const interval = Math.max(MIN_INTERVAL_MS, intervalMs)
  let wasZero = false
  const report = () => {
    cancel = clock.after(interval, report, { keepAlive: false })
    const isZero = stats.isZero
    if (!isZero || !wasZero) send(stats.take(clock.wall()))
    wasZero = isZero
  }
  let cancel = clock.after(interval, report, { keepAlive: false })
  return () => cancel()
}
