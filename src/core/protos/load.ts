import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadSync, type PackageDefinition } from '@grpc/proto-loader'

/** 64-bit numbers as decimal strings, enums as names, absent scalars as their defaults, bytes as Buffers. */
const OPTIONS = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true }

/**
 * The services and messages of one of the .proto files beside this one, by their full names. They are read from the package's
 * own sources, wherever this code runs from.
 */
export function loadProto(name: 'grpclb' | 'xds' | 'orca'): PackageDefinition {
  const root = dirname(createRequire(import.meta.url).resolve('fairlead/package.json'))
  return loadSync(join(root, 'src/core/protos', `${name}.proto`), OPTIONS)
}
