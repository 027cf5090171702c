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
  // etcd closes connections that are pinged more often than every 5 s (GRPCKeepAliveMinTime), and those that are pinged
  // while no call is open on them. One that was idle is pinged along with the next call.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
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
  readonly #tls: EtcdConfig['tls']
  #client: PooledClient
  #generation = 0
  #closed = false

  /** Throws INVALID_ARGUMENT where the certificates cannot be used. */
  constructor(endpoint: EtcdEndpoint, { tls }: EtcdConfig) {
    this.name = endpoint.name
    this.#tls = tls
    try {
      this.#client = this.#newClient()
    } catch (error) {
      throw new FairleadError('INVALID_ARGUMENT', `the certificates cannot be used: ${(error as Error).message}`, {
        hint: 'check --cacert, --cert and --key: PEM files, and a key that belongs to the certificate',
        cause: error,
      })
    }
  }

  /**
   * Has what comes next go over a new connection: the present one left a call unanswered, and may be one that a device on the way has
   * forgotten, which nobody tells. Calls and streams under way stay with the old one.
   */
  renew(): void {
    if (this.#closed) return
    const old = this.#client
    this.#generation++
    this.#client = this.#newClient()
    old.close()
  }

  /** Calls one of the two later; `use` with a client that is over the present connection. */
  #withService(name: Service, use: (client: ServiceClient) => void, onFailure: (error: Error) => void): void {
    const generation = this.#generation
    const ifCurrent =
      <T>(then: (value: T) => void) =>
      (value: T) =>
        generation === this.#generation ? then(value) : this.#withService(name, use, onFailure)
    this.#client.service(name).then(ifCurrent(use), ifCurrent(onFailure))
  }

  #newClient(): PooledClient {
    const tls = this.#tls
    return new PooledClient({
      hosts: this.name,
      // Channels of equal options share a connection.
      grpcOptions: { ...CHANNEL_OPTIONS, 'fairlead.generation': this.#generation },
      faultHandling: { host: () => noPolicy, global: noPolicy },
      // etcd3 types the authority as required; gRPC takes the system's where there is none.
      ...(tls && { credentials: tlsMaterial(tls) as Required<EtcdCredentials> }),
    })
  }

  /**
   * Connects where need be and calls `onReady` once the other side has answered the HTTP/2 handshake, or `onFailure`
   * once an attempt failed. The returned function ends the waiting, not the connection.
   */
  dial(onReady: () => void, onFailure: (error: Error) => void): () => void {
    let waiting = true
    let call: ClientUnaryCall | undefined
    // The services of an endpoint share its connection. Asking by way of one of them keeps the last error at hand.
    const start = () => this.#withService('KV', (client) => check(client, this.#generation), onFailure)
    const check = (client: ServiceClient, generation: number) => {
      if (!waiting) return
      if (this.#closed) return onFailure(new Error('closed'))
      if (generation !== this.#generation) return start()
      const channel = client.getChannel()
      const state = channel.getConnectivityState(true)
      if (state === connectivityState.READY) onReady()
      else if (state === connectivityState.TRANSIENT_FAILURE) call = explain(client, onReady, onFailure)
      else channel.watchConnectivityState(state, Infinity, () => check(client, generation))
    }
    start()
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
    this.#withService(UNARY[method], start, reject)
    return () => {
      cancelled = true
      call?.cancel()
    }
  }

  stream<M extends StreamMethod>(method: M, metadata: Metadata): Promise<Streams[M]> {
    return new Promise((resolve, reject) => {
      const start = (client: ServiceClient) => {
        const stream = (client[method] as unknown as StreamCall<M>).call(client, metadata)
        // A stream that is cancelled reports so; readers learn of failures by reading.
        stream.on('error', () => undefined)
        resolve(stream)
      }
      this.#withService(STREAMS[method], start, reject)
    })
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
