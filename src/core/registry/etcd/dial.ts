import { type Bounds, bounded } from './bounded.js'
import type { Connection } from './connection.js'
import { formatMs, NoAnswer, reasonOf } from './errors.js'

/** "A reasonable recommended value" for the delay between two attempts (RFC 8305, 5). */
const ATTEMPT_DELAY_MS = 250

/**
 * Connects to the candidates in order, starting with the next as soon as one fails or keeps silent for a while, and
 * settles for the first that is ready. Undefined if none is within `dialTimeoutMs` each and the bounds for all, with
 * the reasons in `failures`. Fails only with ABORTED.
 */
export async function dialFirst(
  candidates: readonly Connection[],
  dialTimeoutMs: number,
  bounds: Bounds,
  failures: Map<string, string>,
): Promise<Connection | undefined> {
  const { clock } = bounds
  try {
    return await bounded<Connection | undefined>(bounds, (resolve) => {
      const stops: (() => void)[] = []
      const stop = () => stops.forEach((end) => end())
      const finish = (winner: Connection | undefined) => {
        stop()
        resolve(winner)
      }
      let started = 0
      let failed = 0
      const startNext = () => {
        const connection = candidates[started]
        if (!connection) return
        const mine = ++started
        let over = false
        const fail = (reason: string) => {
          if (over) return
          over = true
          failures.set(connection.name, reason)
          if (++failed === candidates.length) finish(undefined)
          else if (started === mine) startNext()
        }
        stops.push(
          connection.dial(
            () => !over && finish(connection),
            (error) => fail(reasonOf(error)),
          ),
          clock.after(dialTimeoutMs, () => fail(`no connection within ${formatMs(dialTimeoutMs)}`)),
          clock.after(ATTEMPT_DELAY_MS, () => started === mine && startNext()),
        )
      }
      startNext()
      return stop
    })
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    for (const { name } of candidates)
      if (!failures.has(name)) failures.set(name, `no connection within ${formatMs(bounds.timeoutMs)}`)
    return undefined
  }
}
