import { FairleadError } from '../errors.js'
import { OUTLIER_DETECTION, type OutlierDetection, parseOutlierDetection } from './outlier-detection.js'
import { configFields, invalid, numberField, stringField } from './policies/config.js'
import { DEFAULT_POLICY, POLICIES, POLICY_NAMES, type PolicyName } from './policies/index.js'
import type { Policy } from './policy.js'

/** A policy with its parsed config. */
export interface PolicyChoice {
  readonly name: PolicyName
  readonly policy: Policy
  readonly config: unknown
  /** What the service's config wraps around the policy; absent where it says nothing. */
  readonly outlierDetection?: OutlierDetection
}

/** gRPC's names for policies that fairlead names otherwise. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['least_request_experimental', 'least_request'],
  ['ring_hash_experimental', 'ring_hash'],
])

/** A lookaside client's policy. */
const GRPCLB = 'grpclb'

/** A policy by name (a contract name or gRPC's) and its config as JSON. Throws INVALID_ARGUMENT. */
export function choosePolicy(name: string = DEFAULT_POLICY, config?: unknown): PolicyChoice {
  const known = knownName(name)
  if (known === undefined) {
    throw new FairleadError('INVALID_ARGUMENT', `unknown policy ${JSON.stringify(name)}`, {
      hint: `use one of ${POLICY_NAMES.join(', ')}`,
    })
  }
  const policy: Policy = POLICIES[known]
  return { name: known, policy, config: policy.parseConfig(config) }
}

/**
 * What a gRPC service config says about balancing: the first known entry of `loadBalancingConfig`, else the older
 * `loadBalancingPolicy`. Undefined when it says nothing. Throws INVALID_ARGUMENT where gRPC would refuse
 * the config too: no known policy in the list, or a field of the first known one out of range.
 */
export function parseServiceConfig(raw: unknown): PolicyChoice | undefined {
  if (!isObject(raw)) throw malformed('a service config is a JSON object')
  const list = own(raw, 'loadBalancingConfig')
  if (list !== undefined) return parsePolicyList(list, 'loadBalancingConfig')
  const name = own(raw, 'loadBalancingPolicy')
  if (name === undefined) return undefined
  if (typeof name !== 'string') throw malformed('loadBalancingPolicy is not a string')
  return parsePolicyList([{ [name.toLowerCase()]: {} }], 'loadBalancingPolicy')
}

/** Whether an entry of `loadBalancingConfig` with this name is read here. */
export function isPolicyName(name: string): boolean {
  return name === GRPCLB || name === OUTLIER_DETECTION || knownName(name) !== undefined
}

function parsePolicyList(list: unknown, where: string): PolicyChoice {
  if (!Array.isArray(list)) throw malformed(`${where} is not a list`)
  const unknown: string[] = []
  for (const entry of list as unknown[]) {
    const names = isObject(entry) ? Object.keys(entry) : []
    const name = names[0]
    if (!isObject(entry) || name === undefined || names.length > 1) {
      throw malformed(`an entry of ${where} is not an object with one policy name as its key`)
    }
    if (name === GRPCLB) return parseGrpclb(entry[name])
    if (name === OUTLIER_DETECTION) return parseWrapped(entry[name])
    if (knownName(name) !== undefined) return choosePolicy(name, entry[name])
    unknown.push(name)
  }
  if (unknown.length === 0) throw malformed(`${where} is empty`)
  throw malformed(`${where} names no known policy: ${unknown.map((name) => JSON.stringify(name)).join(', ')}`)
}

/** Servers that stand beside a lookaside balancer, and those that it lists, are balanced over by its child policy, else by the default. */
function parseGrpclb(raw: unknown): PolicyChoice {
  const config = configFields(GRPCLB, raw)
  stringField(GRPCLB, config, 'serviceName')
  const dropPercent = numberField(GRPCLB, config, 'dropPercent') ?? 0
  if (dropPercent > 100) throw invalid(`grpclb: dropPercent is ${dropPercent}`, 'use 0 to 100')
  const children = own(config, 'childPolicy')
  return children === undefined ? choosePolicy() : parsePolicyList(children, 'childPolicy')
}

/** Outlier detection stands around the policy that chooses (gRFC A50). */
function parseWrapped(config: unknown): PolicyChoice {
  const outlierDetection = parseOutlierDetection(config)
  const child = isObject(config) ? (own(config, 'childPolicy') ?? own(config, 'child_policy')) : undefined
  if (child === undefined) throw malformed(`${OUTLIER_DETECTION} has no childPolicy`)
  return { ...parsePolicyList(child, 'childPolicy'), outlierDetection }
}

function knownName(name: string): PolicyName | undefined {
  const canonical = ALIASES.get(name) ?? name
  return POLICY_NAMES.find((known) => known === canonical)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function malformed(message: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', message, {
    hint: `write {"loadBalancingConfig":[{"round_robin":{}}]}, with one of ${POLICY_NAMES.join(', ')}`,
  })
}
