import { lookup as systemLookup } from 'node:dns'
import { isIP, isIPv6 } from 'node:net'
import {
  Client,
  type ClientOptions,
  type ClientReadableStream,
  connectivityState,
  type ServiceDefinition,
  status,
  type StatusObject,
} from '@grpc/grpc-js'
import { readLoadReport } from '../balancer/orca/decode.js'
import { formatHostPort } from '../model/address.js'
import { loadProto } from '../protos/load.js'
import type { LoadPeer, LoadStreamObserver, OpenLoadStream } from './load-stream.js'
import { PeerCredentials } from './peer-credentials.js'

/** A longer report is an error. */
const MAX_REPORT_BYTES = 64 * 1024

type Method = ServiceDefinition[string]

let method: Method | undefined

function streamCoreMetrics(): Method {
  method ??= (loadProto('orca')['xds.service.orca.v3.OpenRcaService'] as ServiceDefinition).StreamCoreMetrics!
  return method
}

/** Asks by `OpenRcaService/StreamCoreMetrics` (gRFC A51): reports come as often as was asked for, or as seldom as the endpoint has it. */
export const openLoadStream: OpenLoadStream = (peer, periodMs, observer) => {
  const stream = new LoadStream(peer, periodMs, observer)
  stream.open()
  return () => stream.close()
}

class LoadStream {
  readonly #peer: LoadPeer
  readonly #periodMs: number
  readonly #observer: LoadStreamObserver
  readonly #method = streamCoreMetrics()
  readonly #credentials: PeerCredentials
  #client: Client | undefined
  #call: ClientReadableStream<Buffer> | undefined
  #isOver = false

  constructor(peer: LoadPeer, periodMs: number, observer: LoadStreamObserver) {
    this.#peer = peer
    this.#credentials = new PeerCredentials(peer.tls)
    this.#periodMs = periodMs
    this.#observer = observer
  }

  open(): void {
    const { host, lookup = systemLookup } = this.#peer
    if (isIP(host)) return this.#connect(host)
    lookup(host, {}, (error, address) => {
      if (error) this.#end(`${host} cannot be looked up: ${error.message}`)
      else this.#connect(String(address))
    })
  }

  close(): void {
    this.#isOver = true
    this.#call?.cancel()
    this.#client?.close()
    this.#credentials.close()
  }

  #connect(ip: string): void {
    if (this.#isOver) return
    const target = `${isIPv6(ip) ? 'ipv6' : 'ipv4'}:${formatHostPort(ip, this.#peer.port)}`
    this.#client = new Client(target, this.#credentials, this.#options())
    const { path, requestSerialize } = this.#method
    const request = { report_interval: durationOf(this.#periodMs) }
    const asTheyAre = (bytes: Buffer) => bytes
    const call: ClientReadableStream<Buffer> = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      asTheyAre,
      request,
    )
    this.#call = call
    call.on('data', (bytes: Buffer) => this.#take(bytes))
    // The status tells of it.
    call.on('error', () => undefined)
    call.on('status', ({ code, details }: StatusObject) => {
      if (code === status.UNIMPLEMENTED) this.#awaitLoss()
      else this.#end(details || status[code]!)
    })
  }

  #options(): ClientOptions {
    const { host, port } = this.#peer
    return {
      'grpc.default_authority': formatHostPort(host, port),
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': MAX_REPORT_BYTES,
      'grpc.service_config_disable_resolution': 1,
      // A connection of its own, which ends with the client.
      'grpc.use_local_subchannel_pool': 1,
    }
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return
    const load = readLoadReport(bytes)
    if (load) this.#observer.report(load)
    else this.#end('a report that cannot be read')
  }

  /** An endpoint that answers UNIMPLEMENTED is not asked again on that connection (gRFC A51). */
  #awaitLoss(): void {
    if (this.#isOver) return
    this.#observer.unsupported()
    const channel = this.#client!.getChannel()
    const { READY } = connectivityState
    if (channel.getConnectivityState(false) !== READY) return this.#end('the connection was lost')
    channel.watchConnectivityState(READY, Infinity, () => this.#end('the connection was lost'))
  }

  #end(reason: string): void {
    if (this.#isOver) return
    this.close()
    this.#observer.ended(reason)
  }
}

function durationOf(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1000), nanos: Math.round(ms % 1000) * 1_000_000 }
}
