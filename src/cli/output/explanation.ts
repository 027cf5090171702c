import type { PolicyOrigin } from '../../core/balancer/policy-origin.js'
import type { SkippedRecord } from '../../core/model/snapshot.js'
import type { LeaseInfo } from '../../core/registry/store.js'
import type { Cell, JsonObject } from './document.js'

/** What --explain of several commands says alike. */

const SOURCES: Readonly<Record<PolicyOrigin['from'], string>> = {
  caller: 'from --policy',
  service_config: "from the service's config",
  default: 'the default',
}

export function policyJson({ policy, from, configError }: PolicyOrigin): JsonObject {
  return {
    name: policy,
    from: from === 'caller' ? 'flag' : from,
    ...(configError === undefined ? undefined : { configError: configError.message }),
  }
}

/** The policy and where it comes from, in two cells. */
export function policyCells({ policy, from, configError }: PolicyOrigin): [Cell, Cell] {
  if (configError === undefined) return ['policy', `${policy}: ${SOURCES[from]}`]
  const text = `${policy}: ${SOURCES[from]}, since the service's config cannot be used: ${configError.message}`
  return ['policy', { text, color: 'red' }]
}

/** A record that does not count, in two cells. */
export function skippedCells({ key, reason }: SkippedRecord): [Cell, Cell] {
  return [key, { text: `out: ${reason}`, color: 'red' }]
}

export function verdictCell(isIn: boolean, reason?: string): Cell {
  const verdict = isIn ? 'in' : 'out'
  return { text: reason === undefined ? verdict : `${verdict}: ${reason}`, color: isIn ? 'green' : 'yellow' }
}

/** What is left of a lease. */
export function ttlCell(time: LeaseInfo | undefined): Cell {
  return time && `${time.remainingSeconds}s of ${time.ttlSeconds}s`
}
