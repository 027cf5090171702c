import type { Endpoint } from '../../model/endpoint.js'
import type { EndpointMeter } from '../meters.js'
import { type PoolContext, type PoolOwner, UpstreamPool, type UpstreamProtocol } from './upstream-pool.js'

/** What `meta.protocol` of an endpoint may say, and what is spoken to it then. */
const PROTOCOLS: ReadonlyMap<string, UpstreamProtocol> = new Map([
  ['h1', 'h1'],
  ['http1', 'h1'],
  ['http/1.1', 'h1'],
  ['h2', 'h2'],
  ['h2c', 'h2'],
  ['grpc', 'h2'],
])

/** How long it is remembered that an endpoint does not speak a protocol: it may have been a mistake, or have changed. */
const REMEMBERED_MS = 300_000

/**
 * An endpoint as requests see it: its connections, and what it speaks. That is what its metadata says or, where it says nothing, what
 * the client speaks until the endpoint shows that it does not. Lives for as long as its address is in the service.
 */
export class HttpEndpoint implements PoolOwner {
  readonly meter: EndpointMeter
  readonly #context: PoolContext
  #endpoint: Endpoint
  /** What its metadata says. */
  #said: UpstreamProtocol | undefined
  /** What it was found not to speak, and the tick until which that counts. */
  #lacks: UpstreamProtocol | undefined
  #lacksUntil = 0
  /** What it was last told of it that it does not speak: once is enough. */
  #told: UpstreamProtocol | undefined
  #h1: UpstreamPool | undefined
  #h2: UpstreamPool | undefined

  constructor(endpoint: Endpoint, meter: EndpointMeter, context: PoolContext) {
    this.meter = meter
    this.#context = context
    this.#endpoint = endpoint
    this.#said = protocolOf(endpoint)
  }

  /**
   * Takes over what a newer snapshot says. Another instance may speak something else: then nothing that was learnt counts, and
   * new requests go on new connections.
   */
  replace(endpoint: Endpoint): void {
    const before = this.#endpoint
    this.#endpoint = endpoint
    this.#said = protocolOf(endpoint)
    if (isSpokenToAlike(before, endpoint)) return
    this.#lacks = this.#told = undefined
    this.drain()
    this.#h1 = this.#h2 = undefined
  }

  get address(): string {
    return this.#endpoint.address
  }

  /**
   * Its connections for a request of a client that speaks `spoken`. Upgrades exist in HTTP/1.1 only, and gRPC in HTTP/2 only: for
   * a call it is worth asking again.
   */
  pool(spoken: UpstreamProtocol, isUpgrade: boolean, isGrpc: boolean): UpstreamPool {
    if (isUpgrade || this.#protocolFor(spoken, isGrpc) === 'h1') return (this.#h1 ??= this.#open('h1'))
    return (this.#h2 ??= this.#open('h2'))
  }

  mismatched(protocol: UpstreamProtocol, certain: boolean, reason: string): boolean {
    if (this.#said !== undefined) {
      this.#context.tellMismatch(this.address, `${reason}, whatever its metadata says (protocol=${this.#said})`)
      return true
    }
    this.#lacks = protocol
    this.#lacksUntil = this.#context.ticker.in(REMEMBERED_MS)
    if (this.#told === protocol || !certain) return false
    this.#told = protocol
    const [spoken, word] = protocol === 'h2' ? ['HTTP/1.1', 'h1'] : ['HTTP/2', 'h2']
    const remedy = `requests go over ${spoken}; register it with --meta protocol=${word} to say so at once`
    this.#context.tellMismatch(this.address, `${reason}: ${remedy}`)
    return false
  }

  unreachable(): void {
    this.#lacks = undefined
  }

  /** Whether it has no connection, and none is waited for. */
  get isIdle(): boolean {
    return (this.#h1?.isIdle ?? true) && (this.#h2?.isIdle ?? true)
  }

  /** Lets what is under way end, and then its connections. */
  drain(): void {
    this.#h1?.drain()
    this.#h2?.drain()
  }

  abort(): void {
    this.#h1?.abort()
    this.#h2?.abort()
  }

  #protocolFor(spoken: UpstreamProtocol, isGrpc: boolean): UpstreamProtocol {
    if (this.#said !== undefined) return this.#said
    if (this.#lacks !== spoken || (isGrpc && spoken === 'h2')) return spoken
    if (this.#context.ticker.now >= this.#lacksUntil) return spoken
    return spoken === 'h2' ? 'h1' : 'h2'
  }

  #open(protocol: UpstreamProtocol): UpstreamPool {
    return new UpstreamPool(this.#endpoint, protocol, this.#said !== undefined, this.meter, this.#context, this)
  }
}

/** What an endpoint says it speaks; undefined where it says nothing. */
export function protocolOf({ meta }: Endpoint): UpstreamProtocol | undefined {
  return Object.hasOwn(meta, 'protocol') ? PROTOCOLS.get(meta['protocol']!.toLowerCase()) : undefined
}

function isSpokenToAlike(a: Endpoint, b: Endpoint): boolean {
  return a.id === b.id && a.meta['serverName'] === b.meta['serverName'] && protocolOf(a) === protocolOf(b)
}
