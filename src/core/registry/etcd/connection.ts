import {
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  connectivityState,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import * as etcd3 from 'etcd3'
import { FairleadError } from '../../errors.js'
import { Status } from './errors.js'
import type { EtcdConfig, EtcdEndpoint } from './options.js'

/** The unary calls used, each with the gRPC service it belongs to. */
const UNARY = {
  range: 'KV',
  txn: 'KV',
  leaseGrant: 'Lease',
  leaseRevoke: 'Lease',
  leaseTimeToLive: 'Lease',
  authenticate: 'Auth',
  status: 'Maintenance',
  alarm: 'Maintenance',
} as const

export interface UnaryCalls {
  range: [etcd3.IRangeRequest, etcd3.IRangeResponse]
  txn: [etcd3.ITxnRequest, etcd3.ITxnResponse]
  leaseGrant: [etcd3.ILeaseGrantRequest, etcd3.ILeaseGrantResponse]
  leaseRevoke: [etcd3.ILeaseRevokeRequest, etcd3.ILeaseRevokeResponse]
  leaseTimeToLive: [etcd3.ILeaseTimeToLiveRequest, etcd3.ILeaseTimeToLiveResponse]
  authenticate: [etcd3.IAuthenticateRequest, etcd3.IAuthenticateResponse]
  status: [etcd3.IStatusRequest, etcd3.IStatusResponse]
  alarm: [etcd3.IAlarmRequest, etcd3.IAlarmResponse]
}

export type UnaryMethod = keyof UnaryCalls
export type Request<M extends UnaryMethod> = UnaryCalls[M][0]
export type Response<M extends UnaryMethod> = UnaryCalls[M][1]

/** The streams used, each with the gRPC service it belongs to. */
const STREAMS = { watch: 'Watch', leaseKeepAlive: 'Lease' } as const

export interface Streams {
  watch: ClientDuplexStream<etcd3.IWatchRequest, etcd3.IWatchResponse>
  leaseKeepAlive: ClientDuplexStream<etcd3.ILeaseKeepAliveRequest, etcd3.ILeaseKeepAliveResponse>
}

export type StreamMethod = keyof Streams
type Service = (typeof UNARY)[UnaryMethod] | (typeof STREAMS)[StreamMethod]

type Callback<M extends UnaryMethod> = (error: ServiceError | null, response: Response<M>) => void
type UnaryCall<M extends UnaryMethod> = (
  request: Request<M>,
  metadata: Metadata,
  callback: Callback<M>,
) => ClientUnaryCall
type StreamCall<M extends StreamMethod> = (metadata: Metadata) => Streams[M]
type ServiceClient = Client & { readonly [M in UnaryMethod]: UnaryCall<M> } & {
  readonly [M in StreamMethod]: StreamCall<M>
}

const CHANNEL_OPTIONS = {
  // etcd closes connections that are pinged more often than every 5 s (GRPCKeepAliveMinTime).
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  // A registry that comes back is to be found within a second or so.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // No TXT look-up per name, and no detour over a web proxy of the environment: etcd is a peer inside the network.
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
}

/** Lets every failure through at once, uncounted: who calls decides about retries. */
const noPolicy = { execute: async (run: () => unknown) => run() } as Partial<Policy> as Policy
type Policy = NonNullable<NonNullable<etcd3.IOptions['faultHandling']>['global']>

/** The etcd3 client, opened up as far as the raw gRPC clients of its pool. */
class PooledClient extends etcd3.Etcd3 {
  service(name: Service): Promise<ServiceClient> {
    return this.pool.withConnection<ServiceClient>(name, ({ client }) => client as ServiceClient)
  }
}

/** One registry endpoint: connects when first asked to, and reconnects by itself for as long as it is open. */
export class Connection {
  readonly name: string
  readonly #client: PooledClient
  #closed = false

  /** Throws INVALID_ARGUMENT where the certificates cannot be used. */
  constructor(endpoint: EtcdEndpoint, { tls }: EtcdConfig) {
    this.name = endpoint.name
    try {
      this.#client = new PooledClient({
        hosts: endpoint.name,
        grpcOptions: CHANNEL_OPTIONS,
        faultHandling: { host: () => noPolicy, global: noPolicy },
        // etcd3 types the authority as required; gRPC takes the system's where there is none.
        ...(tls && { credentials: tlsMaterial(tls) as Required<EtcdCredentials> }),
      })
    } catch (error) {
      throw new FairleadError('INVALID_ARGUMENT', `the certificates cannot be used: ${(error as Error).message}`, {
        hint: 'check --cacert, --cert and --key: PEM files, and a key that belongs to the certificate',
        cause: error,
      })
    }
  }

  /**
   * Connects where need be and calls `onReady` once the other side has answered the HTTP/2 handshake, or `onFailure`
   * once an attempt failed. The returned function ends the waiting, not the connection.
   */
  dial(onReady: () => void, onFailure: (error: Error) => void): () => void {
    let waiting = true
    let call: ClientUnaryCall | undefined
    const check = (client: ServiceClient) => {
      if (!waiting) return
      if (this.#closed) return onFailure(new Error('closed'))
      const channel = client.getChannel()
      const state = channel.getConnectivityState(true)
      if (state === connectivityState.READY) onReady()
      else if (state === connectivityState.TRANSIENT_FAILURE) call = explain(client, onReady, onFailure)
      else channel.watchConnectivityState(state, Infinity, () => check(client))
    }
    // The services of an endpoint share its connection. Asking by way of one of them keeps the last error at hand.
    this.#client.service('KV').then(check, onFailure)
    return () => {
      waiting = false
      call?.cancel()
    }
  }

  /** Makes one call, which settles once. The returned function cancels it. */
  unary<M extends UnaryMethod>(
    method: M,
    request: Request<M>,
    metadata: Metadata,
    resolve: (response: Response<M>) => void,
    reject: (error: unknown) => void,
  ): () => void {
    let call: ClientUnaryCall | undefined
    let cancelled = false
    const start = (client: ServiceClient) => {
      if (cancelled) return
      const settle: Callback<M> = (error, response) => (error ? reject(error) : resolve(response))
      call = (client[method] as unknown as UnaryCall<M>).call(client, request, metadata, settle)
    }
    this.#client.service(UNARY[method]).then(start, reject)
    return () => {
      cancelled = true
      call?.cancel()
    }
  }

  async stream<M extends StreamMethod>(method: M, metadata: Metadata): Promise<Streams[M]> {
    const client = await this.#client.service(STREAMS[method])
    const stream = (client[method] as unknown as StreamCall<M>).call(client, metadata)
    // A stream that is cancelled reports so; readers learn of failures by reading.
    stream.on('error', () => undefined)
    return stream
  }

  close(): void {
    this.#closed = true
    this.#client.close()
  }
}

/** A channel does not tell why it cannot connect, but a call over it does. */
function explain(client: Client, onReady: () => void, onFailure: (error: Error) => void): ClientUnaryCall {
  const empty = () => Buffer.alloc(0)
  return client.makeUnaryRequest('/etcdserverpb.Maintenance/Status', empty, empty, {}, new Metadata(), (error) => {
    if (error?.code === Status.UNAVAILABLE) onFailure(error)
    else onReady()
  })
}

type EtcdCredentials = NonNullable<etcd3.IOptions['credentials']>

function tlsMaterial(tls: NonNullable<EtcdConfig['tls']>): Partial<EtcdCredentials> {
  return {
    ...(tls.ca && { rootCertificate: tls.ca }),
    ...(tls.cert && tls.key && { certChain: tls.cert, privateKey: tls.key }),
  }
}
