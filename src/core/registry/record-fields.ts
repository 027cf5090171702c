import type { EndpointRole, EndpointState } from '../model/endpoint.js'
import { isWellFormed } from '../model/text.js'

/*
 * The rules for the fields of a record, in one place for reading and for writing. Each function returns what is wrong as
 * a reason that names the field, or undefined.
 */

export const MAX_WEIGHT = 1000
const MAX_ID_CHARS = 256
const MAX_ZONE_CHARS = 128
const MAX_META_ENTRIES = 128
const MAX_META_KEY_CHARS = 256
const MAX_META_VALUE_CHARS = 4096

const STATES: ReadonlySet<unknown> = new Set<EndpointState>(['ready', 'drain', 'maint'])
const ROLES: ReadonlySet<unknown> = new Set<EndpointRole>(['server', 'balancer'])

function isState(value: unknown): value is EndpointState {
  return STATES.has(value)
}

function isRole(value: unknown): value is EndpointRole {
  return ROLES.has(value)
}

export function faultOfId(value: unknown): string | undefined {
  if (isText(value, MAX_ID_CHARS) && value !== '') return undefined
  return `id must be a text of 1 to ${MAX_ID_CHARS} characters, not ${show(value)}`
}

export function faultOfWeight(value: unknown): string | undefined {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_WEIGHT) return undefined
  return `weight must be a whole number from 0 to ${MAX_WEIGHT}, not ${show(value)}`
}

export function faultOfZone(value: unknown): string | undefined {
  if (isText(value, MAX_ZONE_CHARS)) return undefined
  return `zone must be a text of at most ${MAX_ZONE_CHARS} characters, not ${show(value)}`
}

export function faultOfState(value: unknown): string | undefined {
  return isState(value) ? undefined : `state must be ready, drain or maint, not ${show(value)}`
}

export function faultOfRole(value: unknown): string | undefined {
  return isRole(value) ? undefined : `role must be server or balancer, not ${show(value)}`
}

export function faultOfLoad(value: unknown): string | undefined {
  if (typeof value === 'number' && value >= 0 && value <= 1) return undefined
  return `load must be a number from 0 to 1, not ${show(value)}`
}

export function faultOfMeta(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `meta must be an object of texts, not ${show(value)}`
  }
  const entries = Object.entries(value)
  if (entries.length > MAX_META_ENTRIES) return `meta must have at most ${MAX_META_ENTRIES} entries`
  for (const [key, text] of entries) {
    if (key === '' || !isText(key, MAX_META_KEY_CHARS)) {
      return `meta has a key that is not of 1 to ${MAX_META_KEY_CHARS} characters: ${show(key)}`
    }
    if (!isText(text, MAX_META_VALUE_CHARS)) {
      return `meta ${show(key)} must be a text of at most ${MAX_META_VALUE_CHARS} characters, not ${show(text)}`
    }
  }
  return undefined
}

function isText(value: unknown, maxChars: number): boolean {
  return typeof value === 'string' && value.length <= maxChars && isWellFormed(value)
}

/** A value from outside, short enough for a message. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  return String(value)
}
