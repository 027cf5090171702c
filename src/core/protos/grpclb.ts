import type { MessageTypeDefinition, ServiceDefinition } from '@grpc/proto-loader'
import type { Duration } from './duration.js'
import { loadProto } from './load.js'

/** `grpc.lb.v1.LoadBalancer` and its messages, as the loader reads and writes them. */
export interface GrpclbProto {
  readonly service: ServiceDefinition
  readonly request: Codec<LoadBalanceRequest>
  readonly response: Codec<LoadBalanceResponse>
  readonly serverList: Codec<ServerList>
}

/** Bytes to messages and back. `deserialize` throws what the reader of protobuf throws. */
export interface Codec<Message> {
  serialize(message: Message): Buffer
  deserialize(bytes: Buffer): Message
}

/** One of the two, or neither. */
export interface LoadBalanceRequest {
  readonly initial_request?: { readonly name: string } | null
  readonly client_stats?: ClientStats | null
}

/** Counted since the report before. Reading gives numbers of 64 bits as decimal texts; writing takes either. */
export interface ClientStats {
  readonly timestamp?: Duration | null
  readonly num_calls_started: number | string
  readonly num_calls_finished: number | string
  readonly num_calls_finished_with_client_failed_to_send: number | string
  readonly num_calls_finished_known_received: number | string
  readonly calls_finished_with_drop: readonly {
    readonly load_balance_token: string
    readonly num_calls: number | string
  }[]
}

/** One of the three, or none. */
export interface LoadBalanceResponse {
  readonly initial_response?: { readonly client_stats_report_interval?: Duration | null } | null
  readonly server_list?: ServerList | null
  readonly fallback_response?: object | null
}

export interface ServerList {
  readonly servers: readonly Server[]
}

/** Either `drop`, or an address. */
export interface Server {
  /** Four or sixteen bytes in network order. */
  readonly ip_address?: Buffer
  readonly port?: number
  readonly load_balance_token?: string
  readonly drop?: boolean
}

let loaded: GrpclbProto | undefined

/** Read from its file at first use. */
export function grpclbProto(): GrpclbProto {
  if (loaded) return loaded
  const description = loadProto('grpclb')
  loaded = {
    service: description['grpc.lb.v1.LoadBalancer'] as ServiceDefinition,
    request: codec(description['grpc.lb.v1.LoadBalanceRequest'] as MessageTypeDefinition<LoadBalanceRequest, object>),
    response: codec(
      description['grpc.lb.v1.LoadBalanceResponse'] as MessageTypeDefinition<LoadBalanceResponse, object>,
    ),
    serverList: codec(description['grpc.lb.v1.ServerList'] as MessageTypeDefinition<ServerList, object>),
  }
  return loaded
}

function codec<Message>(definition: MessageTypeDefinition<Message, object>): Codec<Message> {
  return {
    serialize: (message) => definition.serialize(message),
    deserialize: (bytes) => definition.deserialize(bytes) as Message,
  }
}
