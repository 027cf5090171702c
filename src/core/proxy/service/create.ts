import { HttpService } from '../l7/service.js'
import { TcpService } from '../l4/service.js'
import type { Scheme } from '../listen.js'
import { SniffService } from '../sniff/sniff-service.js'
import { TlsService } from '../tls/tls-service.js'
import type { ConnectionService } from './connection-service.js'
import type { ServiceContext } from './context.js'

/** The service that stands behind a listener of this scheme. */
export function createService(scheme: Scheme, context: ServiceContext): ConnectionService {
  return new TlsService(scheme, context, createInner(scheme, context))
}

function createInner(scheme: Scheme, context: ServiceContext): ConnectionService {
  switch (scheme) {
    case 'http':
      return new HttpService(context, false)
    case 'grpc':
      return new HttpService(context, true)
    case 'tcp':
      return new TcpService(context)
    case 'auto':
      return new SniffService(context, new HttpService(context, false), new TcpService(context))
  }
}
