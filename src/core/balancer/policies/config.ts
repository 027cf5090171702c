import { FairleadError } from '../../errors.js'

export type ConfigFields = Readonly<Record<string, unknown>>

/** The JSON object given for a policy; absent and null are an empty one. Unknown fields are ignored, as gRPC does. */
export function configFields(policy: string, raw: unknown): ConfigFields {
  if (raw === undefined || raw === null) return {}
  if (typeof raw !== 'object' || Array.isArray(raw)) throw invalid(`the config of ${policy} is not a JSON object`)
  return raw as ConfigFields
}

/**
 * A whole number, also as a decimal string (proto3 JSON writes 64-bit numbers so), under its camelCase or snake_case
 * name. Undefined when absent.
 */
export function integerField(policy: string, fields: ConfigFields, name: string): number | undefined {
  const value = field(fields, name)
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw invalid(`${policy}: ${name} is not a whole number: ${show(value)}`)
  }
  return number
}

export function booleanField(policy: string, fields: ConfigFields, name: string): boolean {
  const value = field(fields, name)
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw invalid(`${policy}: ${name} is neither true nor false: ${show(value)}`)
  return value
}

/** A number that is finite and not negative. Undefined when absent. */
export function numberField(policy: string, fields: ConfigFields, name: string): number | undefined {
  const value = field(fields, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw invalid(`${policy}: ${name} is not a number of at least 0: ${show(value)}`)
  }
  return value
}

/** A duration as proto3 JSON writes it (`"10s"`, `"0.5s"`), in milliseconds. Undefined when absent. */
export function durationField(policy: string, fields: ConfigFields, name: string): number | undefined {
  const value = field(fields, name)
  if (value === undefined) return undefined
  const seconds = typeof value === 'string' ? /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(value)?.[1] : undefined
  if (seconds === undefined) {
    throw invalid(`${policy}: ${name} is not a duration: ${show(value)}`, 'write seconds, for example "10s" or "0.5s"')
  }
  return Number(seconds) * 1000
}

/** A JSON object inside the config. Undefined when absent. */
export function objectField(policy: string, fields: ConfigFields, name: string): ConfigFields | undefined {
  const value = field(fields, name)
  return value === undefined ? undefined : configFields(`${policy}: ${name}`, value)
}

export function stringField(policy: string, fields: ConfigFields, name: string): string | undefined {
  const value = field(fields, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw invalid(`${policy}: ${name} is not a string: ${show(value)}`)
  return value
}

/** Whether any of these fields is there. */
export function hasField(fields: ConfigFields, names: readonly string[]): boolean {
  return names.some((name) => field(fields, name) !== undefined)
}

export function invalid(message: string, hint?: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', message, hint === undefined ? {} : { hint })
}

/** "Parsers accept both the lowerCamelCase name and the original proto field name." (proto3 JSON mapping) */
function field(fields: ConfigFields, name: string): unknown {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  for (const key of [name, snake]) {
    if (Object.hasOwn(fields, key) && fields[key] !== null) return fields[key]
  }
  return undefined
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60)
}
