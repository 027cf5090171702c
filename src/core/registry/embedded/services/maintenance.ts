import { type ServiceDefinition, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Logger } from '../../../runtime.js'
import { implement, unary } from '../handlers.js'
import type { RegistryState } from '../registry.js'
import { EtcdStatus } from '../status.js'

/** The etcd whose API this is. Clients that refuse old clusters compare it. */
const VERSION = '3.6.0'

const AlarmAction = { GET: 0 } as const

export function maintenanceService(
  service: ServiceDefinition,
  registry: RegistryState,
  log: Logger,
): UntypedServiceImplementation {
  const { store, memberId, raftTerm } = registry
  return implement(service, {
    Status: unary(() => {
      const index = store.revision
      return {
        header: registry.header(),
        version: VERSION,
        dbSize: store.totalBytes,
        dbSizeInUse: store.liveBytes,
        leader: memberId,
        raftIndex: index,
        raftTerm,
        raftAppliedIndex: index,
      }
    }, log),
    // "etcdctl endpoint health" asks for the alarms; there is nothing here that could raise one.
    Alarm: unary((request: { readonly action: number }) => {
      if (request.action !== AlarmAction.GET) {
        throw new EtcdStatus(status.UNIMPLEMENTED, "fairlead's in-memory registry has no alarms to set")
      }
      return { header: registry.header(), alarms: [] }
    }, log),
  })
}
