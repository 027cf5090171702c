import { createHash } from 'node:crypto'
import { type Any, pack, packed } from './messages.js'
import { RESOURCE_TYPES, type ResourceType } from './resource-type.js'

/** Something that clients subscribe to by name, ready to be sent. Immutable and shared by all streams that get it. */
export interface Resource {
  readonly name: string
  /** Tells contents apart: equal contents have equal versions, of another process or an earlier one too. */
  readonly version: string
  readonly any: Any
}

const VERSION_LENGTH = 16

/** @param message of the type, or its bytes */
export function makeResource(type: ResourceType, name: string, message: object | Buffer): Resource {
  const { message: messageType } = RESOURCE_TYPES[type]
  const any = Buffer.isBuffer(message) ? packed(messageType, message) : pack(messageType, message)
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
