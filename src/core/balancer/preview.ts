import { asFairleadError, type FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Runtime } from '../runtime.js'
import { seededRandom } from '../seeded-random.js'
import { createBalancer } from './balancer.js'
import { type ChiSquare, chiSquareTest } from './chi-square.js'
import type { UpstreamStatus } from './contract.js'
import { expectedShares } from './expected-shares.js'
import { POLICIES, type PolicyName } from './policies/index.js'
import { type PolicyOrigin, policyOrigin } from './policy-origin.js'
import { choosePolicy, type PolicyChoice } from './service-config.js'

export interface PreviewOptions {
  /** The policy to use whatever the service's config says. */
  readonly policy?: PolicyChoice | undefined
  /** How many requests to make. */
  readonly picks: number
  /** The key of every request. Absent: each of several requests has one of its own, a single one has none. */
  readonly key?: string | undefined
  /** Makes every draw reproducible. */
  readonly seed?: number | undefined
}

export interface Preview {
  readonly origin: PolicyOrigin
  /** The addresses picked, in order. */
  readonly sequence: readonly string[]
  /** Servers in the order of the snapshot, those that may not take traffic too. */
  readonly distribution: readonly PreviewShare[]
  /** How the distribution agrees with what is expected; undefined for a policy by key with one key, and where one endpoint gets all. */
  readonly chiSquare: ChiSquare | undefined
  /** Why nothing could be picked. */
  readonly failure: FairleadError | undefined
  /** Every endpoint and why it is in or out. */
  readonly upstreams: readonly UpstreamStatus[]
}

export interface PreviewShare {
  readonly address: string
  readonly weight: number
  readonly picks: number
  /** Of all picks, 0 to 1. */
  readonly share: number
  /** What the policy aims at in the long run, 0 to 1. */
  readonly expected: number
}

/** What one pick is of a policy that goes in turn, at a moment nobody knows: a draw. */
const DRAWS: Readonly<Partial<Record<PolicyName, PolicyName>>> = {
  round_robin: 'random',
  weighted_round_robin: 'weighted_random',
  least_connections: 'random',
}

/**
 * Where requests would go. They stay in flight until the last is made, so that policies that go by load show how they
 * spread it. Several requests, or one with a seed, begin where the policy begins; one alone begins anywhere.
 */
export function previewPicks(snapshot: Snapshot, options: PreviewOptions, runtime: Runtime): Preview {
  const random = options.seed === undefined ? runtime.random : seededRandom(options.seed)
  const own = { ...runtime, random }
  const balancer = createBalancer(options.policy ? { policy: options.policy } : {}, own)
  balancer.update(snapshot)
  const { policy, upstreams } = balancer.status()

  const draw = options.picks === 1 && options.seed === undefined ? DRAWS[policy] : undefined
  const picked = draw ? createBalancer({ policy: choosePolicy(draw) }, own) : balancer
  if (draw) picked.update(snapshot)
  const sequence: string[] = []
  let failure: FairleadError | undefined
  try {
    while (sequence.length < options.picks) {
      const key = options.key ?? (options.picks > 1 ? `key-${sequence.length}` : undefined)
      sequence.push(picked.pick(key === undefined ? {} : { key }).upstream.endpoint.address)
    }
  } catch (error) {
    failure = asFairleadError(error)
  }
  const shares = distribution(policy, upstreams, sequence)
  return {
    origin: policyOrigin(snapshot.serviceConfig, options.policy),
    sequence,
    distribution: shares,
    chiSquare: POLICIES[policy].byKey === true && options.key !== undefined ? undefined : chiSquareTest(shares),
    failure,
    upstreams,
  }
}

function distribution(name: PolicyName, upstreams: readonly UpstreamStatus[], sequence: string[]): PreviewShare[] {
  const counts = new Map<string, number>()
  for (const address of sequence) counts.set(address, (counts.get(address) ?? 0) + 1)
  const expected = expectedShares(POLICIES[name], upstreams)
  return upstreams.flatMap(({ upstream: { endpoint }, verdict }, i) => {
    if (verdict === 'balancer') return []
    const { address, weight } = endpoint
    const picks = counts.get(address) ?? 0
    return { address, weight, picks, share: picks / Math.max(1, sequence.length), expected: expected[i]! }
  })
}
