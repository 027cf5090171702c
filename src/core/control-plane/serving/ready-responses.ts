import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'

type Method = MethodDefinition<object, object>

/**
 * The same service, whose handlers write responses that are serialised already (`call.write(bytes)`): what thousands of streams
 * are told alike is serialised once. Requests come as before.
 */
export function withReadyResponses(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition) as [string, Method][]
  return Object.fromEntries(methods.map(([name, method]) => [name, { ...method, responseSerialize: asTheyAre }]))
}

function asTheyAre(response: object): Buffer {
  return response as Buffer
}
