import type { ServerDuplexStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Logger } from '../../../runtime.js'
import { implement, unary } from '../handlers.js'
import type { RegistryState } from '../registry.js'

interface LeaseRequest {
  readonly ID: string
}

export function leaseService(
  service: ServiceDefinition,
  registry: RegistryState,
  log: Logger,
): UntypedServiceImplementation {
  const { leases } = registry
  return implement(service, {
    LeaseGrant: unary((request: LeaseRequest & { readonly TTL: string }) => {
      const { id, ttlSeconds } = leases.grant(request.ID, Number(request.TTL))
      return { header: registry.header(), ID: id, TTL: ttlSeconds }
    }, log),
    LeaseRevoke: unary((request: LeaseRequest) => {
      leases.revoke(request.ID)
      return { header: registry.header() }
    }, log),
    LeaseTimeToLive: unary((request: LeaseRequest & { readonly keys: boolean }) => {
      const lease = leases.state(request.ID)
      const header = registry.header()
      if (!lease) return { header, ID: request.ID, TTL: -1 }
      const { remainingSeconds, grantedSeconds, keys } = lease
      return {
        header,
        ID: request.ID,
        TTL: remainingSeconds,
        grantedTTL: grantedSeconds,
        keys: request.keys ? keys : [],
      }
    }, log),
    LeaseLeases: unary(() => ({ header: registry.header(), leases: leases.ids().map((ID) => ({ ID })) }), log),
    LeaseKeepAlive: (call: ServerDuplexStream<LeaseRequest, object>) => {
      call.on('data', ({ ID }: LeaseRequest) => {
        const header = registry.header()
        if (!call.write({ header, ID, TTL: leases.keepAlive(ID) })) call.pause()
      })
      call.on('drain', () => call.resume())
      call.on('end', () => call.end())
      call.on('error', () => {})
    },
  })
}
