import { FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import type { Registered } from '../registry/record.js'
import { type ServiceReading, unknownService } from './read-service.js'

/** Which endpoints of a service are wanted. */
export interface Selection {
  readonly zone?: string | undefined
  readonly labels?: readonly LabelRule[] | undefined
  /** Also endpoints that take no new traffic, and balancers. */
  readonly all?: boolean | undefined
}

export interface LabelRule {
  readonly key: string
  readonly value: string
  /** `false` for `k!=v`, which a missing label satisfies too. */
  readonly isEqual: boolean
}

/** An endpoint and why it was left out; without a reason it is in. */
export interface Judged {
  readonly record: Registered
  readonly reason?: string
}

const RULE = /^([^=!,]+?)(!=|==?)(.*)$/

/** Reads `k=v,k!=v,…` as rules on the metadata of endpoints. Throws INVALID_ARGUMENT naming the rule that is none. */
export function parseLabels(text: string): readonly LabelRule[] {
  return text.split(',').map((part) => {
    const match = RULE.exec(part.trim())
    if (!match) {
      throw new FairleadError('INVALID_ARGUMENT', `bad label rule ${JSON.stringify(part)}`, {
        hint: 'write key=value or key!=value, several with commas between them',
      })
    }
    return { key: match[1]!.trim(), value: match[3]!.trim(), isEqual: match[2] !== '!=' }
  })
}

/** Judges every endpoint of a reading, in its order. */
export function judge(records: readonly Registered[], selection: Selection): readonly Judged[] {
  return records.map((record) => {
    const reason = reasonAgainst(record.endpoint, selection)
    return reason === undefined ? { record } : { record, reason }
  })
}

function reasonAgainst(endpoint: Endpoint, { zone, labels = [], all }: Selection): string | undefined {
  if (!all && endpoint.role === 'balancer') return 'is a balancer'
  if (!all && endpoint.state === 'drain') return 'is draining'
  if (!all && endpoint.state === 'maint') return 'is in maintenance'
  if (zone !== undefined && endpoint.zone !== zone) {
    return endpoint.zone === undefined ? 'has no zone' : `is in zone ${endpoint.zone}`
  }
  for (const { key, value, isEqual } of labels) {
    const actual = Object.hasOwn(endpoint.meta, key) ? endpoint.meta[key] : undefined
    if ((actual === value) === isEqual) continue
    return actual === undefined ? `has no label ${key}` : `has label ${key}=${actual}`
  }
  return undefined
}

/**
 * The error for a service where nothing was selected: NOT_FOUND if nothing is registered, NO_ENDPOINTS with the reasons if something
 * is. Undefined where something was.
 */
export function selectionError(reading: ServiceReading, judged: readonly Judged[]): FairleadError | undefined {
  if (judged.some(({ reason }) => reason === undefined)) return undefined
  const unknown = unknownService(reading)
  if (unknown) return unknown
  const { service, skipped } = reading
  const hints = [...countReasons(judged)].map(([reason, count]) => `${count} ${reason}`)
  if (skipped.length > 0) hints.push(`${skipped.length} cannot be read`)
  const remedy = judged.some(({ record }) => reasonAgainst(record.endpoint, {}) !== undefined)
    ? '--all shows those that take no traffic'
    : '--explain says more'
  return new FairleadError('NO_ENDPOINTS', `no usable endpoint of service ${JSON.stringify(service)}`, {
    hint: `${hints.join(', ')}; ${remedy}`,
  })
}

function countReasons(judged: readonly Judged[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { reason } of judged) if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return counts
}
