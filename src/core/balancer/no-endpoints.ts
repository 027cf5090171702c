import { FairleadError } from '../errors.js'
import { explainVerdict, type Verdict } from './eligibility.js'

/**
 * Why a pick found nothing. `service` is undefined before the first snapshot; `verdicts` are those of all endpoints, of
 * which `candidates` may take traffic.
 */
export function noEndpoints(
  service: string | undefined,
  verdicts: readonly Verdict[],
  candidates: number,
): FairleadError {
  if (service === undefined) return new FairleadError('NO_ENDPOINTS', 'no endpoints are known yet')
  if (candidates > 0) {
    return new FairleadError('NO_ENDPOINTS', `every usable endpoint of ${service} has been tried for this request`)
  }
  if (verdicts.length === 0) {
    return new FairleadError('NO_ENDPOINTS', `${service} has no endpoints`, { hint: hintOf(service, verdicts) })
  }
  const reasons = [...new Set(verdicts)].map((verdict) => {
    return `${verdicts.filter((other) => other === verdict).length} ${explainVerdict(verdict)}`
  })
  return new FairleadError('NO_ENDPOINTS', `no endpoint of ${service} may take traffic: ${reasons.join('; ')}`, {
    hint: hintOf(service, verdicts),
  })
}

function hintOf(service: string, verdicts: readonly Verdict[]): string {
  if (verdicts.every((verdict) => verdict === 'balancer')) return `register one: fairlead register ${service} ADDRESS`
  if (verdicts.includes('drain') || verdicts.includes('maint')) {
    return `bring one back: fairlead set ${service} ADDRESS --state ready`
  }
  return `see what is wrong: fairlead doctor ${service}`
}
