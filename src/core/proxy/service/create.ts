import { FairleadError } from '../../errors.js'
import { TcpService } from '../l4/service.js'
import type { Scheme } from '../listen.js'
import { TlsService } from '../tls/tls-service.js'
import type { ConnectionService } from './connection-service.js'
import type { ServiceContext } from './context.js'

/** The service that stands behind a listener of this scheme. */
export function createService(scheme: Scheme, context: ServiceContext): ConnectionService {
  return new TlsService(scheme, context, createInner(scheme, context))
}

function createInner(scheme: Scheme, context: ServiceContext): ConnectionService {
  if (scheme === 'tcp' || scheme === 'auto') return new TcpService(context)
  throw new FairleadError(
    'INVALID_ARGUMENT',
    `${scheme}:// needs balancing per request, and this version balances per TCP connection`,
    { hint: `write tcp:// instead of ${scheme}://: each connection then stays with one endpoint` },
  )
}
