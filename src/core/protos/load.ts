import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadSync, type PackageDefinition } from '@grpc/proto-loader'

/** 64-bit numbers as decimal strings, enums as names, absent scalars as their defaults, bytes as Buffers. */
const OPTIONS = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true }

/** The .proto files beside this one. */
export type ProtoName = 'grpclb' | 'xds' | 'orca'

/**
 * The services and messages of one of the .proto files beside this one, by their full names. They are read from the package's
 * own sources, wherever this code runs from.
 */
export function loadProto(name: ProtoName): PackageDefinition {
  return loadSync(fileOf(name), OPTIONS)
}

/**
 * The same of several, and of further files, read together: descriptors of types that they share (`google.protobuf`) are then
 * complete, which those of definitions that are merged afterwards are not.
 */
export function loadProtos(names: readonly ProtoName[], files: readonly string[]): PackageDefinition {
  return loadSync([...names.map(fileOf), ...files], OPTIONS)
}

function fileOf(name: ProtoName): string {
  const root = dirname(createRequire(import.meta.url).resolve('fairlead/package.json'))
  return join(root, 'src/core/protos', `${name}.proto`)
}
