import type { Policy } from '../policy.js'
import { leastConnections } from './least-connections.js'
import { leastRequest } from './least-request.js'
import { maglev } from './maglev.js'
import { peakEwma } from './peak-ewma.js'
import { pickFirst } from './pick-first.js'
import { random, weightedRandom } from './random.js'
import { ringHash } from './ring-hash.js'
import { roundRobin } from './round-robin.js'
import { sourceHash } from './source-hash.js'
import { weightedRoundRobin } from './weighted-round-robin.js'

/** Every policy by its name: the one place to add one. */
export const POLICIES = {
  pick_first: pickFirst,
  round_robin: roundRobin,
  random,
  weighted_round_robin: weightedRoundRobin,
  weighted_random: weightedRandom,
  source_hash: sourceHash,
  least_connections: leastConnections,
  least_request: leastRequest,
  peak_ewma: peakEwma,
  ring_hash: ringHash,
  maglev,
} as const satisfies Readonly<Record<string, Policy>>

/** A name of the table: what `policy` options take. */
export type PolicyName = keyof typeof POLICIES

/** Every policy's name, in the order of the table. */
export const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[]

/** What is used when neither the caller nor the service's config names a policy. */
export const DEFAULT_POLICY: PolicyName = 'weighted_round_robin'
