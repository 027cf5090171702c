import { type ChannelOptions, connectivityState, type experimental } from '@grpc/grpc-js'
import type { Upstream } from '../../balancer/upstream.js'
import type { ConnectionEvents, Connections, Destination } from './connections.js'
import { Leaf } from './leaf.js'
import { sameConnectionOptions } from './same-options.js'

/** Best first: what all are together is the best that one of them is. */
const ORDER = [
  connectivityState.READY,
  connectivityState.CONNECTING,
  connectivityState.IDLE,
  connectivityState.TRANSIENT_FAILURE,
]

/** A connection to every endpoint, made at once and made again when lost. */
export class ConnectionsToEach implements Connections {
  readonly #helper: experimental.ChannelControlHelper
  readonly #events: ConnectionEvents
  /** Whether an endpoint that is being connected to may be picked: calls to it wait. */
  readonly #waits: boolean
  readonly #leaves = new Map<Upstream, Leaf>()
  /** How many are in each state. */
  readonly #counts = new Map<connectivityState, number>()
  #options: ChannelOptions = {}
  lastError: string | undefined

  /** @param waits whether an endpoint may be picked before it is connected, so that keys do not move to others meanwhile (gRFC A42) */
  constructor(helper: experimental.ChannelControlHelper, events: ConnectionEvents, waits: boolean) {
    this.#helper = helper
    this.#events = events
    this.#waits = waits
  }

  get state(): connectivityState {
    return ORDER.find((state) => this.#count(state) > 0) ?? connectivityState.IDLE
  }

  subchannelOf(upstream: Upstream): experimental.SubchannelInterface | undefined {
    return this.#leaves.get(upstream)?.subchannel
  }

  update(destinations: readonly Destination[], options: ChannelOptions, note: string): void {
    const wanted = new Set(destinations.map(({ upstream }) => upstream))
    for (const [upstream, leaf] of this.#leaves) if (!wanted.has(upstream)) this.#drop(upstream, leaf)
    // Looking a connection up in grpc-js's pool takes longer the more there are: it is not asked where nothing is different.
    const same = sameConnectionOptions(options, this.#options)
    this.#options = options
    for (const { upstream, endpoint } of destinations) {
      const leaf = this.#leaves.get(upstream)
      if (leaf === undefined) this.#add(upstream, endpoint, note)
      else if (!same) leaf.update(endpoint, options)
    }
  }

  /** Nothing is ever idle for long here. */
  wake(): void {}

  close(): void {
    for (const [upstream, leaf] of this.#leaves) this.#drop(upstream, leaf)
  }

  #add(upstream: Upstream, endpoint: experimental.Endpoint, note: string): void {
    const leaf = new Leaf(endpoint, this.#helper, this.#options, note, (changed, before) => {
      this.#changed(upstream, changed, before)
    })
    this.#leaves.set(upstream, leaf)
    this.#move(undefined, leaf.state)
    if (this.#waits) this.#events.usable(upstream, true)
    leaf.connect()
  }

  #drop(upstream: Upstream, leaf: Leaf): void {
    this.#leaves.delete(upstream)
    this.#move(leaf.state, undefined)
    leaf.close()
    this.#events.usable(upstream, false)
  }

  #changed(upstream: Upstream, leaf: Leaf, before: connectivityState): void {
    const { state } = leaf
    this.#move(before, state)
    this.lastError = leaf.lastError ?? this.lastError
    this.#events.usable(upstream, this.#waits ? state !== connectivityState.TRANSIENT_FAILURE : isReady(state))
    if (isReady(before) && !isReady(state)) this.#events.lost()
    if (state === connectivityState.TRANSIENT_FAILURE) this.#events.unreachable(upstream)
    if (state === connectivityState.IDLE) leaf.wake()
    this.#events.changed()
  }

  #move(from: connectivityState | undefined, to: connectivityState | undefined): void {
    if (from !== undefined) this.#counts.set(from, this.#count(from) - 1)
    if (to !== undefined) this.#counts.set(to, this.#count(to) + 1)
  }

  #count(state: connectivityState): number {
    return this.#counts.get(state) ?? 0
  }
}

function isReady(state: connectivityState): boolean {
  return state === connectivityState.READY
}
