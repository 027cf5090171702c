import { createHash } from 'node:crypto'
import { type Any, pack } from './messages.js'
import { RESOURCE_TYPES, type ResourceType } from './resource-type.js'

/** Something that clients subscribe to by name, ready to be sent. Immutable and shared by all streams that get it. */
export interface Resource {
  readonly name: string
  /** Tells contents apart: equal contents have equal versions, of another process or an earlier one too. */
  readonly version: string
  readonly any: Any
}

const VERSION_LENGTH = 16

export function makeResource(type: ResourceType, name: string, message: object): Resource {
  const any = pack(RESOURCE_TYPES[type].message, message)
  return { name, version: digest(any.value), any }
}

/** One version for several resources, in their order. */
export function combinedVersion(resources: readonly Resource[]): string {
  if (resources.length === 1) return resources[0]!.version
  return digest(resources.map(({ name, version }) => `${name}\n${version}\n`).join(''))
}

function digest(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, VERSION_LENGTH)
}
