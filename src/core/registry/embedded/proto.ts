import { createRequire } from 'node:module'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

type Method = MethodDefinition<object, object>

const SERVICES = ['KV', 'Watch', 'Lease', 'Cluster', 'Maintenance', 'Auth'] as const
export type ServiceName = (typeof SERVICES)[number]

const sizes = new WeakMap<object, number>()

/** How many bytes a request took on the wire. */
export function encodedSize(request: object): number {
  return sizes.get(request) ?? 0
}

/** The services of the etcd v3 API, read from the .proto files of the etcd3 package. */
export function loadServices(): Readonly<Record<ServiceName, ServiceDefinition>> {
  const file = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto')
  const definitions = loadSync(file, { keepCase: true, longs: String, defaults: true, oneofs: true })
  const service = (name: ServiceName) => measured(definitions[`etcdserverpb.${name}`] as ServiceDefinition)
  return Object.fromEntries(SERVICES.map((name) => [name, service(name)])) as Record<ServiceName, ServiceDefinition>
}

/** The same service, with the size of each request remembered. */
function measured(service: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(service) as [string, Method][]
  return Object.fromEntries(methods.map(([name, method]) => [name, { ...method, requestDeserialize: measure(method) }]))
}

function measure({ requestDeserialize }: Method): (bytes: Buffer) => object {
  return (bytes) => {
    const request = requestDeserialize(bytes)
    sizes.set(request, bytes.length)
    return request
  }
}
