import type { Endpoint } from '../model/endpoint.js'

/** Why an endpoint is among the candidates (`ready`, `last_resort`) or not (the others). */
export type Verdict = 'ready' | 'last_resort' | 'weight_zero' | 'drain' | 'maint' | 'balancer'

const EXPLANATIONS: Readonly<Record<Verdict, string>> = {
  ready: 'ready',
  last_resort: 'weight 0, used because nothing else exists',
  weight_zero: 'weight 0 while others have more',
  drain: 'draining: finishes what it has, gets nothing new',
  maint: 'in maintenance',
  balancer: 'a lookaside balancer, not a server',
}

/** Says of each endpoint, in order, whether it may take new traffic and why. Weight 0 may when no other weight exists. */
export function judge(endpoints: readonly Endpoint[]): Verdict[] {
  const verdicts = endpoints.map((endpoint): Verdict => {
    if (endpoint.role === 'balancer') return 'balancer'
    if (endpoint.state !== 'ready') return endpoint.state
    return endpoint.weight > 0 ? 'ready' : 'weight_zero'
  })
  if (verdicts.includes('ready')) return verdicts
  return verdicts.map((verdict) => (verdict === 'weight_zero' ? 'last_resort' : verdict))
}

export function isUsable(verdict: Verdict): boolean {
  return verdict === 'ready' || verdict === 'last_resort'
}

/** The verdict as a phrase for people. */
export function explainVerdict(verdict: Verdict): string {
  return EXPLANATIONS[verdict]
}
