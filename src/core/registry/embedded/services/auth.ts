import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Logger } from '../../../runtime.js'
import { implement, unary } from '../handlers.js'
import type { RegistryState } from '../registry.js'
import { refusal } from '../status.js'

/** Answers as an etcd does on which authentication was never enabled. There are no users and roles to manage. */
export function authService(
  service: ServiceDefinition,
  registry: RegistryState,
  log: Logger,
): UntypedServiceImplementation {
  return implement(service, {
    Authenticate: unary(() => {
      throw refusal('authNotEnabled')
    }, log),
    AuthStatus: unary(() => ({ header: registry.header(), enabled: false, authRevision: 1 }), log),
  })
}
