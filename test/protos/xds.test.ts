import { readdirSync } from 'node:fs'
import { join } from 'node:path'
// Adds the common files of protobuf to what can be imported.
import '@grpc/proto-loader'
import { loadProtosWithOptionsSync } from '@grpc/proto-loader/build/src/util.js'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'

const OURS = 'src/core/protos'
const PUBLISHED = 'node_modules/@grpc/grpc-js-xds/deps'

/** A package with the published files of the same protocol, as a second opinion on every name and number of ours. */
const ROOTS = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((name) => join(PUBLISHED, name))
const SOURCES = [
  'envoy/service/discovery/v3/ads.proto',
  'envoy/service/load_stats/v3/lrs.proto',
  'envoy/service/endpoint/v3/eds.proto',
  'envoy/service/route/v3/rds.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
  'xds/type/v3/typed_struct.proto',
  'google/rpc/status.proto',
  ...readdirSync(join(PUBLISHED, 'envoy-api/envoy/extensions/load_balancing_policies'))
    .filter((name) => name !== 'common')
    .map((name) => `envoy/extensions/load_balancing_policies/${name}/v3/${name}.proto`),
]

describe('the .proto files of xDS', () => {
  const ours = load(['xds.proto'], [OURS, join(OURS, 'xds')])
  const published = load(SOURCES, ROOTS)

  it('give every message, field, enum and method the published name, number and type', () => {
    const types = [...nested(ours)].filter(({ fullName }) => !fullName.startsWith('.google.protobuf'))
    expect(types.length).toBeGreaterThan(50)
    const wrong = types.flatMap((type) => {
      const known = published.lookup(type.fullName)
      if (!known) return [`${type.fullName} is not published`]
      const theirs = lines(known)
      return lines(type)
        .filter((line) => !theirs.includes(line))
        .map((line) => `${type.fullName}: ${line}`)
    })
    expect(wrong).toEqual([])
  })
})

function load(files: readonly string[], includeDirs: readonly string[]): protobuf.Root {
  const root = loadProtosWithOptionsSync([...files], { keepCase: true, includeDirs: [...includeDirs] })
  root.resolveAll()
  return root
}

function* nested(of: protobuf.NamespaceBase): Generator<protobuf.ReflectionObject> {
  for (const object of of.nestedArray) {
    if (!(object instanceof protobuf.Namespace) || object instanceof protobuf.Type) yield object
    if (object instanceof protobuf.Namespace) yield* nested(object)
  }
}

/** What is said about each member. */
function lines(object: protobuf.ReflectionObject): string[] {
  if (object instanceof protobuf.Enum) return Object.entries(object.values).map(([name, id]) => `${name} = ${id}`)
  if (object instanceof protobuf.Service) {
    return object.methodsArray.map(
      ({ name, resolvedRequestType, requestStream, resolvedResponseType, responseStream }) =>
        `${name}(${requestStream} ${resolvedRequestType?.fullName}) ${responseStream} ${resolvedResponseType?.fullName}`,
    )
  }
  if (!(object instanceof protobuf.Type)) return []
  return object.fieldsArray.map((field) => {
    const key = field instanceof protobuf.MapField ? `map of ${field.keyType} to ` : ''
    const group = field.partOf ? ` of ${field.partOf.name}` : ''
    const type = field.resolvedType?.fullName ?? field.type
    return `${key}${field.repeated ? 'repeated ' : ''}${type} ${field.name} = ${field.id}${group}`
  })
}
