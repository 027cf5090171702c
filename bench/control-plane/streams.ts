import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js'
import { grpclbProto, type LoadBalanceRequest } from '../../src/core/protos/grpclb.js'

/** A client's stream to a control plane, which asks for one service. */
export interface BenchStream {
  /** How often it was told the service's endpoints. */
  readonly updates: number
  close(): void
}

/** Opens a stream on a connection of its own. `told` is called after every update. */
export type OpenStream = (address: string, service: string, told: () => void) => BenchStream

const METHOD = '/grpc.lb.v1.LoadBalancer/BalanceLoad'

/** Field 2 of `LoadBalanceResponse`, the list of servers, as it begins a message. */
const SERVER_LIST_TAG = 0x12

/** A grpclb client that looks at the kind of messages only, so that the figures are the server's. */
export const openGrpclbStream: OpenStream = (address, service, told) => {
  const { request } = grpclbProto()
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
  })
  const stream: ClientDuplexStream<LoadBalanceRequest, Buffer> = client.makeBidiStreamRequest(
    METHOD,
    (message) => request.serialize(message),
    (bytes) => bytes,
  )
  let updates = 0
  stream.on('error', () => undefined)
  stream.on('data', (message: Buffer) => {
    if (message[0] !== SERVER_LIST_TAG) return
    updates++
    told()
  })
  stream.write({ initial_request: { name: service } })
  return {
    get updates() {
      return updates
    },
    close() {
      stream.cancel()
      client.close()
    },
  }
}
