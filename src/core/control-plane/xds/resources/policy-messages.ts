import type { LoadWeightRules } from '../../../balancer/orca/weights.js'
import { durationOf } from '../../../protos/duration.js'
import { type Any, pack, typeUrl } from '../messages.js'

const PACKAGE = 'envoy.extensions.load_balancing_policies'

/** One entry of a cluster's list of policies. Clients pass over those that they do not know (gRFC A52). */
export interface PolicyEntry {
  readonly typed_extension_config: { readonly name: string; readonly typed_config: Any }
}

export interface LoadBalancingPolicy {
  readonly policies: readonly PolicyEntry[]
}

/** The first that a client knows counts. */
export function policyList(...policies: readonly PolicyEntry[]): LoadBalancingPolicy {
  return { policies }
}

export function roundRobin(): PolicyEntry {
  return entry('round_robin', 'RoundRobin', {})
}

/** The least loaded of a few samples (gRFC A48). */
export function leastRequest(choiceCount: number): PolicyEntry {
  return entry('least_request', 'LeastRequest', { choice_count: { value: choiceCount } })
}

/** The least loaded of all, which Envoy knows and gRPC does not. */
export function fullScan(): PolicyEntry {
  return entry('least_request', 'LeastRequest', { selection_method: 'FULL_SCAN' })
}

/** The first in the list that can be connected to (gRFC A62). */
export function pickFirst(shuffleAddressList: boolean): PolicyEntry {
  return entry('pick_first', 'PickFirst', { shuffle_address_list: shuffleAddressList })
}

/** The same for clients of grpc-js, which have it under this name and do not know its message unless an environment variable says so. */
export function namedPickFirst(shuffleAddressList: boolean): PolicyEntry {
  const value = { fields: { shuffleAddressList: { boolValue: shuffleAddressList } } }
  const typed_config = pack('xds.type.v3.TypedStruct', { type_url: typeUrl('pick_first'), value })
  return { typed_extension_config: { name: 'pick_first', typed_config } }
}

/** A locality by weight, an endpoint in it by `inside` (gRFC A52). */
export function wrrLocality(inside: LoadBalancingPolicy): PolicyEntry {
  return entry('wrr_locality', 'WrrLocality', { endpoint_picking_policy: inside })
}

/** Weights from the load that endpoints report to clients (gRFC A58). */
export function clientSideWeightedRoundRobin(rules: LoadWeightRules): PolicyEntry {
  return entry('client_side_weighted_round_robin', 'ClientSideWeightedRoundRobin', {
    ...(rules.oobMs !== undefined && {
      enable_oob_load_report: { value: true },
      oob_reporting_period: durationOf(rules.oobMs),
    }),
    blackout_period: durationOf(rules.blackoutMs),
    weight_expiration_period: durationOf(rules.expirationMs),
    weight_update_period: durationOf(rules.updateMs),
    error_utilization_penalty: { value: rules.errorUtilizationPenalty },
  })
}

function entry(name: string, message: string, config: object): PolicyEntry {
  const typed_config = pack(`${PACKAGE}.${name}.v3.${message}`, config)
  return { typed_extension_config: { name: `envoy.load_balancing_policies.${name}`, typed_config } }
}
