import type { Endpoint } from '../model/endpoint.js'
import type { Fault, Upstream } from './upstream.js'

/** Why an endpoint is among the candidates (`ready`, `last_resort`, `panic`) or not (the others). */
export type Verdict =
  'ready' | 'last_resort' | 'panic' | 'weight_zero' | 'drain' | 'maint' | 'balancer' | 'unconnected' | Fault

const EXPLANATIONS: Readonly<Record<Verdict, string>> = {
  ready: 'ready',
  last_resort: 'weight 0, used because nothing else exists',
  panic: 'not healthy, used because too few are',
  weight_zero: 'weight 0 while others have more',
  drain: 'draining: finishes what it has, gets nothing new',
  maint: 'in maintenance',
  balancer: 'a lookaside balancer, not a server',
  unconnected: 'not connected',
  unhealthy: 'fails its health checks',
  ejected: 'taken out for a while because its requests fail',
}

export interface Judgement {
  /** Of each endpoint, in order. */
  readonly verdicts: readonly Verdict[]
  /** Whether endpoints that are not healthy are used because too few are. */
  readonly panic: boolean
}

/**
 * Says of each endpoint, in order, whether it may take new traffic and why. The registry's word comes first, then whether there is a
 * connection, where that counts, then health:
 * if less than `panicPercent` of those that may take traffic by the registry's word are healthy, all of them are used, since
 * the few would only break under the load of all.
 */
export function judge(upstreams: readonly Upstream[], panicPercent: number): Judgement {
  const verdicts = judgeRecords(upstreams)
  upstreams.forEach((upstream, i) => {
    if (!upstream.isConnected && isUsable(verdicts[i]!)) verdicts[i] = 'unconnected'
  })
  let usable = 0
  let healthy = 0
  verdicts.forEach((verdict, i) => {
    if (!isUsable(verdict)) return
    usable++
    if (upstreams[i]!.fault === undefined) healthy++
  })
  if (healthy === usable) return { verdicts, panic: false }
  const panic = healthy * 100 < usable * panicPercent
  return {
    verdicts: verdicts.map((verdict, i) => {
      const { fault } = upstreams[i]!
      if (fault === undefined || !isUsable(verdict)) return verdict
      return panic ? 'panic' : fault
    }),
    panic,
  }
}

/** By the registry's word alone. Weight 0 may take traffic when no other weight exists. */
function judgeRecords(upstreams: readonly Upstream[]): Verdict[] {
  const verdicts = upstreams.map(({ endpoint }) => verdictOf(endpoint))
  if (verdicts.includes('ready')) return verdicts
  return verdicts.map((verdict) => (verdict === 'weight_zero' ? 'last_resort' : verdict))
}

function verdictOf({ role, state, weight }: Endpoint): Verdict {
  if (role === 'balancer') return 'balancer'
  if (state !== 'ready') return state
  return weight > 0 ? 'ready' : 'weight_zero'
}

export function isUsable(verdict: Verdict): boolean {
  return verdict === 'ready' || verdict === 'last_resort' || verdict === 'panic'
}

/** The verdict as a phrase for people. */
export function explainVerdict(verdict: Verdict): string {
  return EXPLANATIONS[verdict]
}
