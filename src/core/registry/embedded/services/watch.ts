import type { ServerDuplexStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { implement } from '../handlers.js'
import type { WatchRequest, WatchResponse } from '../messages.js'
import type { RegistryState } from '../registry.js'
import { WatchStream } from '../watch-stream.js'

export function watchService(service: ServiceDefinition, registry: RegistryState): UntypedServiceImplementation {
  return implement(service, {
    Watch: (call: ServerDuplexStream<WatchRequest, WatchResponse>) => {
      const stream = new WatchStream(registry.hub, (response) => call.write(response))
      call.on('data', (request: WatchRequest) => stream.handle(request))
      call.on('drain', () => stream.resume())
      call.on('end', () => {
        stream.close()
        call.end()
      })
      call.on('cancelled', () => stream.close())
      call.on('error', () => stream.close())
    },
  })
}
