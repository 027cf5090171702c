import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Logger } from '../../../runtime.js'
import { implement, unary } from '../handlers.js'
import type { RegistryState } from '../registry.js'

/** @param clientUrl where clients reach this registry; asked for at each call */
export function clusterService(
  service: ServiceDefinition,
  registry: RegistryState,
  clientUrl: () => string,
  log: Logger,
): UntypedServiceImplementation {
  return implement(service, {
    MemberList: unary(() => {
      const member = { ID: registry.memberId, name: 'fairlead', peerURLs: [], clientURLs: [clientUrl()] }
      return { header: registry.header(), members: [member] }
    }, log),
  })
}
