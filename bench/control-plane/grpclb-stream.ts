import { grpclbProto, type LoadBalanceRequest } from '../../src/core/protos/grpclb.js'
import { opener } from './streams.js'

/** Field 2 of `LoadBalanceResponse`, the list of servers, as it begins a message. */
const SERVER_LIST_TAG = 0x12

/** A grpclb client, which reports nothing. */
export const openGrpclbStream = opener<LoadBalanceRequest>({
  path: '/grpc.lb.v1.LoadBalancer/BalanceLoad',
  serialize: (request) => grpclbProto().request.serialize(request),
  ask: (service) => [{ initial_request: { name: service } }],
  hear: (response) => ({ isUpdate: response[0] === SERVER_LIST_TAG }),
})
