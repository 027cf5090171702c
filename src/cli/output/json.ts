import { sanitizeJson } from '../sanitize.js'
import type { JsonObject } from './document.js'

export const SCHEMA_VERSION = 1

/** The object with its schemaVersion in front, as JSON text that is safe in a terminal. */
export function jsonText(value: JsonObject, indent?: number): string {
  return sanitizeJson(JSON.stringify(versioned(value), bigintAsString, indent))
}

export function versioned(value: JsonObject): JsonObject {
  return { schemaVersion: SCHEMA_VERSION, ...value }
}

export function bigintAsString(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
