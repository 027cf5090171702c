import {
  type handleUnaryCall,
  type MethodDefinition,
  type ServiceDefinition,
  status,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Logger } from '../../runtime.js'
import { EtcdStatus } from './status.js'

/** Answers a request at once or throws an EtcdStatus. */
export type Answer<Request, Response> = (request: Request) => Response

/** A unary gRPC handler. Anything thrown but an EtcdStatus is a defect: logged, and INTERNAL to the caller. */
export function unary<Request extends object, Response>(
  answer: Answer<Request, Response>,
  log: Logger,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    let response: Response
    try {
      response = answer(call.request)
    } catch (error) {
      callback(error instanceof EtcdStatus ? error : internal(error, log))
      return
    }
    callback(null, response)
  }
}

/** The handlers given, and for every other method of the service one that says clearly that it is not there. */
export function implement(
  service: ServiceDefinition,
  handlers: Readonly<Record<string, UntypedHandleCall>>,
): UntypedServiceImplementation {
  const methods = Object.entries(service) as [string, MethodDefinition<object, object>][]
  return Object.fromEntries(methods.map(([name, method]) => [name, handlers[name] ?? unimplemented(method)]))
}

function unimplemented({ path, responseStream }: MethodDefinition<object, object>): UntypedHandleCall {
  const refusal = new EtcdStatus(
    status.UNIMPLEMENTED,
    `${path} is not implemented by fairlead's in-memory registry: use etcd for it`,
  )
  if (responseStream) return (call: { emit(event: 'error', error: Error): boolean }) => void call.emit('error', refusal)
  return (_call: unknown, callback: (error: Error) => void) => callback(refusal)
}

function internal(error: unknown, log: Logger): EtcdStatus {
  log.error('the in-memory registry failed to answer a request', { error })
  return new EtcdStatus(status.INTERNAL, error instanceof Error ? error.message : String(error))
}
