import { type ClientOptions } from '@grpc/grpc-js'
import { connect, type Fairlead } from '../../src/core/fairlead.js'
import type { RegistrationOptions } from '../../src/core/registry/registration.js'
import { type GrpcOptions, type GrpcRegistration, registerFairlead } from '../../src/grpc.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { startServer, TestClient, type TestServer } from './support.js'

/** A registry, what registers in it, and channels that resolve from it. Everything made with it is closed with it. */
export interface Environment {
  readonly registry: TestRegistry
  readonly fairlead: Fairlead
  readonly registration: GrpcRegistration
  /** A server of a service. */
  serve(service: string, options?: RegistrationOptions): Promise<RegisteredServer>
  client(target: string, options?: ClientOptions): TestClient
  close(): Promise<void>
}

export interface RegisteredServer extends TestServer {
  /** Takes it out of the registry; it goes on serving. */
  deregister(): Promise<void>
}

export async function startEnvironment(options: GrpcOptions = {}): Promise<Environment> {
  const registry = await startRegistry()
  const fairlead = await connect({ endpoints: [registry.endpoint] })
  const registration = registerFairlead({ endpoints: [registry.endpoint], commandTimeoutMs: 1000, ...options })
  const servers: TestServer[] = []
  const clients: TestClient[] = []
  return {
    registry,
    fairlead,
    registration,
    async serve(service, options = {}) {
      const server = await startServer()
      servers.push(server)
      const registered = await fairlead.register(service, server.address, options)
      return Object.assign(server, { deregister: () => registered.close() })
    },
    client(target, options) {
      const client = new TestClient(target, options)
      clients.push(client)
      return client
    },
    async close() {
      for (const client of clients) client.close()
      await registration.close()
      await fairlead.close()
      await registry.close()
      await Promise.all(servers.map((server) => server.close()))
    },
  }
}
