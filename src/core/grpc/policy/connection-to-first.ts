import { type ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js'
import { shuffle } from '../../balancer/policies/pick-first.js'
import type { Upstream } from '../../balancer/upstream.js'
import type { Random } from '../../runtime.js'
import type { ConnectionEvents, Connections, Destination } from './connections.js'
import { Leaf } from './leaf.js'
import { sameConnectionOptions } from './same-options.js'

/** A connection to the first endpoint that can be connected to, and to no other. After a loss it waits for a call. */
export class ConnectionToFirst implements Connections {
  readonly #helper: experimental.ChannelControlHelper
  readonly #events: ConnectionEvents
  /** Undefined: in the order given. */
  readonly #random: Random | undefined
  #leaf: Leaf | undefined
  #options: ChannelOptions = {}
  /** In the order they are tried. */
  #destinations: readonly Destination[] = []
  #connected: Upstream | undefined

  /** @param random shuffles the endpoints */
  constructor(helper: experimental.ChannelControlHelper, events: ConnectionEvents, random: Random | undefined) {
    this.#helper = helper
    this.#events = events
    this.#random = random
  }

  get state(): connectivityState {
    return this.#leaf?.state ?? connectivityState.IDLE
  }

  get lastError(): string | undefined {
    return this.#leaf?.lastError
  }

  subchannelOf(upstream: Upstream): experimental.SubchannelInterface | undefined {
    return upstream === this.#connected ? this.#leaf?.subchannel : undefined
  }

  update(given: readonly Destination[], options: ChannelOptions, note: string): void {
    const destinations = this.#ordered(given)
    const same = sameConnectionOptions(options, this.#options) && sameUpstreams(destinations, this.#destinations)
    this.#options = options
    this.#destinations = destinations
    if (same) return
    if (destinations.length === 0) return this.close()
    const endpoint = { addresses: destinations.flatMap((destination) => destination.endpoint.addresses) }
    const connected = this.#connected
    if (this.#leaf && (!connected || destinations.some(({ upstream }) => upstream === connected))) {
      this.#leaf.update(endpoint, options)
      return this.#settle()
    }
    // grpc-js would go on sending calls to the endpoint that has left for as long as no other one can be connected to.
    this.#leaf?.close()
    this.#leaf = new Leaf(endpoint, this.#helper, options, note, (leaf, before) => this.#changed(leaf, before))
    this.#settle()
    this.#leaf.connect()
  }

  wake(): void {
    this.#leaf?.wake()
  }

  close(): void {
    this.#leaf?.close()
    this.#leaf = undefined
    this.#destinations = []
    this.#settle()
  }

  #ordered(given: readonly Destination[]): readonly Destination[] {
    if (!this.#random) return given
    return shuffle(
      given,
      this.#random,
      given.find(({ upstream }) => upstream === this.#connected),
    )
  }

  #changed(leaf: Leaf, before: connectivityState): void {
    this.#settle()
    if (before === connectivityState.READY && leaf.state !== before) this.#events.lost()
    if (leaf.state === connectivityState.TRANSIENT_FAILURE) {
      for (const { upstream } of this.#destinations) this.#events.unreachable(upstream)
    }
    this.#events.changed()
  }

  /** Works out which endpoint the connection is to. */
  #settle(): void {
    const address = this.#leaf?.subchannel?.getAddress()
    const connected = address === undefined ? undefined : this.#destinations.find((each) => hasAddress(each, address))
    const before = this.#connected
    this.#connected = connected?.upstream
    if (before === this.#connected) return
    if (before) this.#events.usable(before, false)
    if (this.#connected) this.#events.usable(this.#connected, true)
  }
}

function hasAddress({ endpoint }: Destination, address: string): boolean {
  return endpoint.addresses.some((each) => experimental.subchannelAddressToString(each) === address)
}

function sameUpstreams(a: readonly Destination[], b: readonly Destination[]): boolean {
  return a.length === b.length && a.every(({ upstream }, i) => upstream === b[i]!.upstream)
}
