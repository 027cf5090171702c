import type { Endpoint } from '../../model/endpoint.js'
import type { EndpointMeter } from '../meters.js'
import { type PoolContext, UpstreamPool, type UpstreamProtocol } from './upstream-pool.js'

/** What `meta.protocol` of an endpoint may say, and what is spoken to it then. */
const PROTOCOLS: ReadonlyMap<string, UpstreamProtocol> = new Map([
  ['h1', 'h1'],
  ['http1', 'h1'],
  ['http/1.1', 'h1'],
  ['h2', 'h2'],
  ['h2c', 'h2'],
  ['grpc', 'h2'],
])

/** An endpoint as requests see it: its connections, and what it speaks. Lives for as long as its address is in the service. */
export class HttpEndpoint {
  readonly meter: EndpointMeter
  readonly #context: PoolContext
  #endpoint: Endpoint
  #protocol: UpstreamProtocol | undefined
  #h1: UpstreamPool | undefined
  #h2: UpstreamPool | undefined

  constructor(endpoint: Endpoint, meter: EndpointMeter, context: PoolContext) {
    this.meter = meter
    this.#context = context
    this.#endpoint = endpoint
    this.#protocol = protocolOf(endpoint)
  }

  /** Takes over what a newer snapshot says. */
  replace(endpoint: Endpoint): void {
    this.#endpoint = endpoint
    this.#protocol = protocolOf(endpoint)
  }

  get address(): string {
    return this.#endpoint.address
  }

  /** Its connections for a request of a client that speaks `spoken`. Upgrades exist in HTTP/1.1 only. */
  pool(spoken: UpstreamProtocol, isUpgrade: boolean): UpstreamPool {
    if (isUpgrade || (this.#protocol ?? spoken) === 'h1') return (this.#h1 ??= this.#open('h1'))
    return (this.#h2 ??= this.#open('h2'))
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

  #open(protocol: UpstreamProtocol): UpstreamPool {
    return new UpstreamPool(this.#endpoint, protocol, this.meter, this.#context)
  }
}

/** What an endpoint says it speaks; undefined where it says nothing. */
export function protocolOf({ meta }: Endpoint): UpstreamProtocol | undefined {
  return Object.hasOwn(meta, 'protocol') ? PROTOCOLS.get(meta['protocol']!.toLowerCase()) : undefined
}
