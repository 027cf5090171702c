import { Server, ServerCredentials } from '@grpc/grpc-js'
import type { ControlPlaneEvent } from '../../../../src/core/control-plane/events.js'
import { SERVER_OPTIONS } from '../../../../src/core/control-plane/serving/server-options.js'
import type { ControlPlaneService } from '../../../../src/core/control-plane/service.js'
import { createXdsService } from '../../../../src/core/control-plane/xds/service.js'
import { systemRuntime } from '../../../../src/core/runtime.js'
import type { Directory } from '../../../../src/core/control-plane/directory/contract.js'

export interface TestXdsServer {
  readonly port: number
  readonly service: ControlPlaneService
  /** What happened so far. */
  readonly events: readonly ControlPlaneEvent[]
  close(): Promise<void>
}

/** An xDS server over a directory, on a port of 127.0.0.1 (0: a free one). */
export async function startXdsServer(
  directory: Directory,
  port = 0,
  zone?: string,
  credentials = ServerCredentials.createInsecure(),
): Promise<TestXdsServer> {
  const events: ControlPlaneEvent[] = []
  const onEvent = (event: ControlPlaneEvent) => void events.push(event)
  const service = createXdsService({ directory, runtime: systemRuntime, zone, onEvent }, { reportIntervalMs: 200 })
  const server = new Server(SERVER_OPTIONS)
  for (const { definition, implementation } of service.handlers) server.addService(definition, implementation)
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, real) => (error ? reject(error) : resolve(real)))
  })
  return {
    port: bound,
    service,
    events,
    close: async () => {
      service.close()
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
    },
  }
}
