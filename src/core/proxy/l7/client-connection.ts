import type { Client } from '../admission/client.js'
import type { CidrSet } from '../../net/cidr-set.js'
import { findField } from '../http/field-block.js'
import type { Head } from '../http/head.js'
import { nameOf } from '../http/names.js'
import type { DownstreamConnection, RequestHandler, Stream, StreamReceiver } from '../http/stream.js'
import type { CallConfig } from '../../balancer/call-config.js'
import type { RelayContext, RequestSource } from './context.js'
import { Exchange } from './exchange.js'
import { ForwardedFields } from './forwarded.js'
import { headerValue, requestKey } from './hash-key.js'
import type { UpstreamProtocol } from './upstream-pool.js'

const PATH = nameOf(':path')
const X_FORWARDED_FOR = 'x-forwarded-for'

export interface ClientConnectionOwner {
  /** Called once. */
  connectionOver(connection: ClientConnection): void
}

/** A client's HTTP connection: makes an exchange of each request, and knows what they have in common. */
export class ClientConnection implements RequestHandler, RequestSource {
  readonly protocol: UpstreamProtocol
  readonly secure: boolean
  readonly forwarded: ForwardedFields
  /** Set by the owner at once. */
  connection: DownstreamConnection | undefined
  readonly #clientAddress: string
  /** Whose `x-forwarded-for` is believed, if this client's is. */
  readonly #trust: CidrSet | undefined
  readonly #relay: RelayContext
  readonly #owner: ClientConnectionOwner

  constructor(
    client: Client,
    protocol: UpstreamProtocol,
    secure: boolean,
    relay: RelayContext,
    owner: ClientConnectionOwner,
  ) {
    const { trust } = relay.settings
    const address = client.key
    const trusted = trust !== undefined && trust.has(address)
    this.protocol = protocol
    this.secure = secure
    this.#clientAddress = address
    this.#trust = trusted ? trust : undefined
    this.#relay = relay
    this.#owner = owner
    this.forwarded = new ForwardedFields({
      client: address,
      scheme: secure ? 'https' : 'http',
      version: protocol === 'h2' ? '2' : '1.1',
      trusted,
    })
  }

  get trusted(): boolean {
    return this.#trust !== undefined
  }

  hashKey(head: Head): string | undefined {
    const { listener, settings } = this.#relay
    const { hashOn } = settings
    if (hashOn !== undefined && hashOn.kind !== 'source_ip') return requestKey(head, hashOn)
    const header = hashOn === undefined ? listener.balancer.hashHeader : undefined
    return header === undefined ? this.#address(head) : headerValue(head, header)
  }

  callConfig(head: Head): CallConfig | undefined {
    const path = findField(head.block, head.length, PATH)
    return path === undefined ? undefined : this.#relay.calls.find(path)
  }

  onRequest(stream: Stream, head: Head, end: boolean): StreamReceiver {
    const exchange = new Exchange(stream, this, this.#relay)
    exchange.start(head, end)
    return exchange
  }

  onFault(reason: string): void {
    const { listener } = this.#relay
    listener.meter.malformed++
    listener.trouble({ kind: 'malformed_request', address: this.#clientAddress, reason })
  }

  onClosed(): void {
    this.#owner.connectionOver(this)
  }

  /** The client's address; from a proxy that is believed, the last one in its list that is not such a proxy itself. */
  #address(head: Head): string {
    const trust = this.#trust
    if (!trust) return this.#clientAddress
    const hops = headerValue(head, X_FORWARDED_FOR)?.split(',') ?? []
    for (const hop of hops.reverse()) {
      const address = hop.trim()
      if (!trust.has(address)) return address
    }
    return this.#clientAddress
  }
}
