import { FairleadError } from '../errors.js'
import { parseListen } from '../net/listen-address.js'
import type { ProtocolListener } from './control-plane.js'
import type { Protocol } from './events.js'
import { createGrpclbService } from './grpclb/service.js'
import type { ControlPlaneContext, ControlPlaneService, ProtocolOptions } from './service.js'
import { createXdsService } from './xds/service.js'

/** Where each protocol is spoken: `[grpc://][HOST]:PORT` or `PORT`, the host 127.0.0.1 unless given, port 0 takes a free one. */
export type ProtocolAddresses = Readonly<Partial<Record<Protocol, string | number | undefined>>>

type Create = (context: ControlPlaneContext, options: ProtocolOptions) => ControlPlaneService

const CREATE: Readonly<Record<Protocol, Create>> = {
  grpclb: createGrpclbService,
  xds: createXdsService,
}

/** What a control plane listens on. Throws INVALID_ARGUMENT for a bad address, and where there is none. */
export function protocolListeners(addresses: ProtocolAddresses, options: ProtocolOptions): ProtocolListener[] {
  const asked = (Object.keys(CREATE) as Protocol[]).filter((protocol) => addresses[protocol] !== undefined)
  if (asked.length === 0) {
    throw new FairleadError('INVALID_ARGUMENT', 'nothing to listen on', {
      hint: 'say where gRPC clients ask for servers, for example --grpclb :8001 or --xds :18000',
    })
  }
  return asked.map((protocol) => ({
    protocol,
    // Both protocols are gRPC services.
    listen: parseListen(String(addresses[protocol]).replace(/^grpc:\/\//, '')),
    create: (context) => CREATE[protocol](context, options),
  }))
}
