import { lookup as systemLookup } from 'node:dns'
import { isIP, isIPv6 } from 'node:net'
import { Client, type ClientOptions, connectivityState, credentials } from '@grpc/grpc-js'
import { formatHostPort } from '../model/address.js'
import type { LoadPeer, LoadStreamObserver, OpenToPeer } from './load-stream.js'
import { PeerCredentials } from './peer-credentials.js'
import { callForReports } from './report-call.js'

/** A longer report is an error. */
const MAX_REPORT_BYTES = 64 * 1024

/** Asks for reports on a connection of its own. */
export const openLoadStream: OpenToPeer = (peer, periodMs, observer) => {
  const stream = new OwnConnection(peer, periodMs, observer)
  stream.open()
  return () => stream.close()
}

type Channel = NonNullable<ClientOptions['channelOverride']>

/** Asks for reports on a channel, which is not closed; whoever has it tells when an endpoint without reports is to be asked again. */
export function openLoadStreamOn(channel: Channel, periodMs: number, observer: LoadStreamObserver): () => void {
  const client = new Client('', credentials.createInsecure(), { channelOverride: channel })
  return callForReports(client, periodMs, observer)
}

class OwnConnection {
  readonly #peer: LoadPeer
  readonly #periodMs: number
  readonly #observer: LoadStreamObserver
  readonly #credentials: PeerCredentials
  #client: Client | undefined
  #cancel: (() => void) | undefined
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
    this.#cancel?.()
    this.#client?.close()
    this.#credentials.close()
  }

  #connect(ip: string): void {
    if (this.#isOver) return
    const target = `${isIPv6(ip) ? 'ipv6' : 'ipv4'}:${formatHostPort(ip, this.#peer.port)}`
    const client = new Client(target, this.#credentials, this.#options())
    this.#client = client
    this.#cancel = callForReports(client, this.#periodMs, {
      report: (load) => this.#observer.report(load),
      unsupported: () => this.#awaitLoss(client),
      ended: (reason) => this.#end(reason),
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

  /** An endpoint that answers UNIMPLEMENTED is not asked again on that connection (gRFC A51). */
  #awaitLoss(client: Client): void {
    this.#observer.unsupported()
    if (this.#isOver) return
    const channel = client.getChannel()
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
