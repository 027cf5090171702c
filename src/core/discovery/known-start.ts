import { FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Runtime } from '../runtime.js'
import { LatestResolution } from './latest.js'
import { relay } from './relay.js'
import type { Resolution } from './resolution.js'

/** How long a registry that says nothing at all is waited for before the known snapshot is used, milliseconds. */
const PATIENCE_MS = 1000

/**
 * `resolutions`, but where they begin with a stale notice, or with nothing for a while, the known snapshot comes first and then
 * the notice. Asks for it only then. To be iterated at once, and once only.
 */
export function startFromKnown(
  resolutions: AsyncIterable<Resolution>,
  known: () => Snapshot | undefined,
  { clock }: Runtime,
): AsyncIterable<Resolution> {
  const latest = new LatestResolution()
  const since = clock.now()
  let hasBegun = false
  const begin = (stale: Resolution) => {
    hasBegun = true
    const snapshot = known()
    if (!snapshot) return latest.offer(stale)
    latest.offer({ kind: 'snapshot', snapshot, departed: new Set() })
    latest.offer(stale)
  }
  const cancelPatience = clock.after(PATIENCE_MS, () => {
    if (hasBegun || !known()) return
    begin({ kind: 'stale', since, error: new FairleadError('UNAVAILABLE', 'the registry has not answered yet') })
  })
  const accept = (resolution: Resolution) => {
    if (hasBegun || resolution.kind === 'snapshot') latest.offer(resolution)
    else begin(resolution)
    hasBegun = true
  }
  return relay(resolutions, latest, accept, cancelPatience)
}
