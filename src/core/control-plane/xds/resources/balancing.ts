import type { LoadWeightRules } from '../../../balancer/orca/weights.js'
import type { HashHeaderConfig } from '../../../balancer/policies/hash-header.js'
import type { PolicyName } from '../../../balancer/policies/index.js'
import type { LeastRequestConfig } from '../../../balancer/policies/least-request.js'
import type { PickFirstConfig } from '../../../balancer/policies/pick-first.js'
import type { RingHashConfig } from '../../../balancer/policies/ring-hash.js'
import type { ServiceView } from '../../directory/contract.js'
import type { Dialect } from '../client.js'
import type { LocalityForm } from './localities.js'
import {
  clientSideWeightedRoundRobin,
  fullScan,
  leastRequest,
  type LoadBalancingPolicy,
  namedPickFirst,
  pickFirst,
  policyList,
  roundRobin,
  wrrLocality,
} from './policy-messages.js'

/** How a service's policy is put to clients of one dialect. */
export interface Balancing {
  /** What of the cluster says so. */
  readonly cluster: ClusterBalancing
  /** Into which localities endpoints are put so that the policy does with them what it should. */
  readonly localities: LocalityForm
  /** Whether weights of single endpoints count. */
  readonly weighted: boolean
  /** What requests are hashed by: the value of a header, or `client`, each client's own. Undefined: nothing is hashed. */
  readonly hashBy: { readonly header: string } | 'client' | undefined
}

export interface ClusterBalancing {
  readonly lb_policy: 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RING_HASH' | 'RANDOM' | 'MAGLEV'
  readonly load_balancing_policy?: LoadBalancingPolicy
  readonly ring_hash_lb_config?: object
  readonly least_request_lb_config?: object
}

/**
 * The least ring: shares of a ring with few entries stray far from the weights. gRPC's clients make none that is larger
 * (gRFC A42).
 */
const LEAST_RING = 4096
/** As many as gRPC's clients sample at most (gRFC A48): what is nearest to looking at all. */
const MOST_CHOICES = 10

/** Without a policy, as with the proxy: in turn, by weight. */
const DEFAULT: PolicyName = 'weighted_round_robin'

export function balancingOf(view: ServiceView, dialect: Dialect): Balancing {
  const name = view.choice?.name ?? DEFAULT
  const config = view.choice?.config
  if (view.choice?.policy.byKey) return hashing(name, config as Partial<RingHashConfig> & HashHeaderConfig, dialect)
  return dialect === 'grpc' ? forGrpc(name, config, view) : forEnvoy(name, config)
}

/**
 * gRPC honours the weights of localities, and of endpoints on a ring only. So where weights count, a locality holds endpoints of
 * one weight and has the sum of theirs: a policy that chooses localities by weight and takes turns inside gives every endpoint its share.
 * The older field ROUND_ROBIN is just that to all of gRPC's clients: "xds_wrr_locality" over "round_robin" (gRFC A52).
 */
function forGrpc(name: PolicyName, config: unknown, view: ServiceView): Balancing {
  switch (name) {
    case 'round_robin':
    case 'random':
      return { ...EQUAL, cluster: { ...IN_TURN, load_balancing_policy: policyList(roundRobin()) } }
    case 'pick_first': {
      const shuffle = (config as PickFirstConfig).shuffleAddressList
      const policy = policyList(pickFirst(shuffle), namedPickFirst(shuffle), roundRobin())
      return { ...EQUAL, cluster: { ...IN_TURN, load_balancing_policy: policy } }
    }
    case 'least_request':
      return byLoad((config as LeastRequestConfig).choiceCount)
    case 'peak_ewma':
      return byLoad(2)
    case 'least_connections':
      return byLoad(MOST_CHOICES)
    default:
      return config === undefined ? { ...WEIGHTED, cluster: IN_TURN } : byReport(config as LoadWeightRules, view)
  }
}

/** Envoy honours the weights of endpoints, and does not know `pick_first`: its priorities do the same. */
function forEnvoy(name: PolicyName, config: unknown): Balancing {
  switch (name) {
    case 'round_robin':
      return { ...EQUAL, cluster: IN_TURN }
    case 'random':
      return { ...EQUAL, cluster: { lb_policy: 'RANDOM' } }
    case 'pick_first':
      return { ...EQUAL, localities: 'first', cluster: IN_TURN }
    case 'least_request':
      return sampling((config as LeastRequestConfig).choiceCount)
    case 'peak_ewma':
      return sampling(2)
    case 'least_connections':
      return { ...BY_ZONE, cluster: { lb_policy: 'LEAST_REQUEST', load_balancing_policy: policyList(fullScan()) } }
    default:
      return { ...BY_ZONE, cluster: IN_TURN }
  }
}

const IN_TURN: ClusterBalancing = { lb_policy: 'ROUND_ROBIN' }
const EQUAL = { localities: 'zone', weighted: false, hashBy: undefined } as const
const BY_ZONE = { localities: 'zone', weighted: true, hashBy: undefined } as const
const WEIGHTED = { localities: 'weight', weighted: true, hashBy: undefined } as const

/** Clients without the policy (grpc-js) take turns instead. */
function byLoad(choiceCount: number): Balancing {
  const policy = policyList(wrrLocality(policyList(leastRequest(choiceCount), roundRobin())), roundRobin())
  return { ...WEIGHTED, cluster: { ...IN_TURN, load_balancing_policy: policy } }
}

function sampling(choiceCount: number): Balancing {
  const config = { choice_count: { value: choiceCount } }
  return { ...BY_ZONE, cluster: { lb_policy: 'LEAST_REQUEST', least_request_lb_config: config } }
}

/**
 * Weights from load. What endpoints reported to the control plane is in the view: each endpoint is a locality of its own, so that a new
 * weight moves none to another one, which would be connected to anew. As long as there is nothing like that, clients go by the
 * reports that they get themselves (gRFC A58).
 */
function byReport(rules: LoadWeightRules, view: ServiceView): Balancing {
  const picking = policyList(clientSideWeightedRoundRobin(rules), roundRobin())
  const cluster = { ...IN_TURN, load_balancing_policy: policyList(wrrLocality(picking), roundRobin()) }
  const first = view.endpoints[0]?.weight
  const alike = view.endpoints.every(({ weight }) => weight === first)
  return { cluster, localities: alike ? 'zone' : 'endpoint', weighted: true, hashBy: undefined }
}

/** Only rings are known to all; what another policy would do with a key, a ring does too. */
function hashing(name: PolicyName, config: Partial<RingHashConfig> & HashHeaderConfig, dialect: Dialect): Balancing {
  const header = config.requestHashHeader
  const rest = {
    // gRPC multiplies weights of endpoints by their locality's: with one locality, that changes nothing.
    localities: 'all',
    weighted: name !== 'source_hash',
    hashBy: header === undefined ? 'client' : { header },
  } as const
  if (name === 'maglev' && dialect === 'envoy') return { ...rest, cluster: { lb_policy: 'MAGLEV' } }
  const { min = LEAST_RING, max } = config.ringSize ?? {}
  const ring = {
    minimum_ring_size: { value: min },
    hash_function: 'XX_HASH',
    ...(max !== undefined && { maximum_ring_size: { value: max } }),
  }
  return { ...rest, cluster: { lb_policy: 'RING_HASH', ring_hash_lb_config: ring } }
}
