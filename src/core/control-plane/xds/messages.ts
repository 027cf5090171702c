import type { ServiceDefinition } from '@grpc/grpc-js'
import type { MessageTypeDefinition, PackageDefinition } from '@grpc/proto-loader'
import { loadProto } from '../../protos/load.js'

/** A message inside a message, with the name of its type. */
export interface Any {
  readonly type_url: string
  readonly value: Buffer
}

const TYPE_URL_PREFIX = 'type.googleapis.com/'

let loaded: PackageDefinition | undefined

/** All of the protocol, read on first use. */
function xdsProto(): PackageDefinition {
  return (loaded ??= loadProto('xds'))
}

export function serviceDefinition(name: string): ServiceDefinition {
  return xdsProto()[name] as ServiceDefinition
}

/** A message of the type with this full name, as bytes. Throws for what does not fit the type. */
export function encode(type: string, message: object): Buffer {
  return messageType(type).serialize(message)
}

export function pack(type: string, message: object = {}): Any {
  return packed(type, encode(type, message))
}

/** The same of a message that is serialised already. */
export function packed(type: string, value: Buffer): Any {
  return { type_url: typeUrl(type), value }
}

export function typeUrl(type: string): string {
  return TYPE_URL_PREFIX + type
}

function messageType(name: string): MessageTypeDefinition<object, object> {
  return xdsProto()[name] as MessageTypeDefinition<object, object>
}
