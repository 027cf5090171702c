import { createRequire } from 'node:module'
import type { MethodDefinition, Server, ServiceDefinition } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { loadProtos, type ProtoName } from '../../protos/load.js'
import { withSoundDescriptors } from './descriptors.js'

/** What describes the services that every server has, by the packages that bring it. */
const STANDARD_FILES = [
  'grpc-health-check/proto/health/v1/health.proto',
  '@grpc/grpc-js/proto/channelz.proto',
  '@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
  '@grpc/reflection/build/proto/grpc/reflection/v1alpha/reflection.proto',
]
const STANDARD_SERVICES = [
  'grpc.health.v1.Health',
  'grpc.channelz.v1.Channelz',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
]

/**
 * Has a server describe its services to who asks, as grpcurl does: `grpc.reflection.v1.ServerReflection` and the alpha version of
 * the same. Takes some 100 ms.
 *
 * @param protos the files that describe `services`, which are listed beside the standard ones
 */
export function addReflection(server: Server, protos: readonly ProtoName[], services: readonly string[]): void {
  const { resolve } = createRequire(import.meta.url)
  const files = STANDARD_FILES.map((file) => resolve(file))
  const definition = withSoundDescriptors(loadProtos(protos, files))
  new ReflectionService(definition, { services: [...services, ...STANDARD_SERVICES] }).addToServer(server)
}

/** The full name of a service: `grpc.lb.v1.LoadBalancer`. */
export function serviceName(definition: ServiceDefinition): string {
  const [method] = Object.values(definition) as MethodDefinition<object, object>[]
  return method!.path.split('/')[1]!
}
