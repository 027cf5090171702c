import type { UpstreamStatus } from './contract.js'
import { isUsable } from './eligibility.js'
import type { Policy } from './policy.js'

/**
 * What share of the picks each endpoint is to get in the long run, 0 to 1, in the order given; at `now` (monotonic
 * milliseconds) for one that is on its way into use.
 */
export function expectedShares(policy: Policy, upstreams: readonly UpstreamStatus[], now?: number): number[] {
  const { share, byKey } = policy
  const first = upstreams.findIndex(({ verdict }) => isUsable(verdict))
  const parts = upstreams.map(({ upstream, verdict }, i) => {
    if (!isUsable(verdict)) return 0
    if (share === 'first') return i === first ? 1 : 0
    const part = share === 'weight' && verdict !== 'last_resort' ? upstream.weight : 1
    return now === undefined || byKey ? part : part * (upstream.ramp?.factor(now) ?? 1)
  })
  const total = parts.reduce((sum, part) => sum + part, 0)
  return total === 0 ? parts : parts.map((part) => part / total)
}
