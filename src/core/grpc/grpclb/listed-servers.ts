import { type ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js'
import { formatHostPort } from '../../model/address.js'
import { Leaf } from '../policy/leaf.js'
import type { ReadyTurn } from './list-picker.js'
import type { ListEntry } from './server-list.js'

/** The connections to the servers of a list. */
export interface ListedServers {
  /** As gRPC has it for all of them together; CONNECTING where there are none. */
  readonly state: connectivityState
  /** Why one could not be made, last. */
  readonly lastError: string | undefined
  /** The turns of connected servers, in the order of the list. */
  ready(): readonly ReadyTurn[]
  /** Connects to the servers of another list and lets go of others. What is connected and still listed stays. */
  update(list: readonly ListEntry[], options: ChannelOptions): void
  /** Connects where it is idle. */
  wake(): void
  /** Lets go of everything; calls that are under way go on to their end. */
  close(): void
}

/** Told after `state` or `ready()` may have changed. `lost`: a connection that was there is gone. */
export type ServersChanged = (lost: boolean) => void

const NOTE = 'servers listed by the lookaside balancer'

/** A connection to each server, made at once and made again when lost. */
export class EachServer implements ListedServers {
  readonly #leaves = new Map<string, Leaf>()
  #list: readonly ListEntry[] = []
  lastError: string | undefined

  constructor(
    private readonly helper: experimental.ChannelControlHelper,
    private readonly changed: ServersChanged,
  ) {}

  get state(): connectivityState {
    const states = new Set(Array.from(this.#leaves.values(), ({ state }) => state))
    if (states.has(connectivityState.READY)) return connectivityState.READY
    const isTrying = states.size === 0 || states.has(connectivityState.CONNECTING) || states.has(connectivityState.IDLE)
    return isTrying ? connectivityState.CONNECTING : connectivityState.TRANSIENT_FAILURE
  }

  ready(): readonly ReadyTurn[] {
    return this.#list.flatMap((entry, place) => {
      const subchannel = entry.drop ? undefined : this.#leaves.get(keyOf(entry))?.subchannel
      return subchannel ? [{ place, subchannel, token: entry.token }] : []
    })
  }

  update(list: readonly ListEntry[], options: ChannelOptions): void {
    this.#list = list
    const wanted = new Map(list.flatMap((entry) => (entry.drop ? [] : [[keyOf(entry), entry]])))
    for (const [key, leaf] of this.#leaves) {
      if (wanted.has(key)) continue
      this.#leaves.delete(key)
      leaf.close()
    }
    for (const [key, { host, port }] of wanted) {
      if (this.#leaves.has(key)) continue
      const leaf = new Leaf({ addresses: [{ host, port }] }, this.helper, options, NOTE, (...news) =>
        this.#heard(...news),
      )
      this.#leaves.set(key, leaf)
      leaf.connect()
    }
  }

  wake(): void {
    for (const leaf of this.#leaves.values()) leaf.wake()
  }

  close(): void {
    for (const leaf of this.#leaves.values()) leaf.close()
    this.#leaves.clear()
  }

  #heard(leaf: Leaf, before: connectivityState): void {
    this.lastError = leaf.lastError ?? this.lastError
    if (leaf.state === connectivityState.IDLE) leaf.wake()
    this.changed(before === connectivityState.READY && leaf.state !== before)
  }
}

/** A connection to the first server of the list that can be connected to; after a loss it waits for a call. */
export class FirstServer implements ListedServers {
  #leaf: Leaf | undefined
  #list: readonly ListEntry[] = []

  constructor(
    private readonly helper: experimental.ChannelControlHelper,
    private readonly changed: ServersChanged,
  ) {}

  get state(): connectivityState {
    return this.#leaf?.state ?? connectivityState.CONNECTING
  }

  get lastError(): string | undefined {
    return this.#leaf?.lastError
  }

  ready(): readonly ReadyTurn[] {
    const subchannel = this.#leaf?.subchannel
    const place = subchannel ? this.#placeOf(subchannel.getAddress()) : -1
    return place < 0 ? [] : [{ place, subchannel: subchannel!, token: this.#list[place]!.token }]
  }

  update(list: readonly ListEntry[], options: ChannelOptions): void {
    this.#list = list
    const addresses = [...new Map(list.flatMap((entry) => (entry.drop ? [] : [[keyOf(entry), entry]]))).values()]
    const connected = this.#leaf?.subchannel?.getAddress()
    const endpoint = { addresses: addresses.map(({ host, port }) => ({ host, port })) }
    if (this.#leaf && addresses.length > 0 && (connected === undefined || this.#placeOf(connected) >= 0)) {
      return this.#leaf.update(endpoint, options)
    }
    // grpc-js would go on sending calls to a server that is not listed any more for as long as no other one can be connected to.
    this.#leaf?.close()
    this.#leaf = undefined
    if (addresses.length === 0) return
    this.#leaf = new Leaf(endpoint, this.helper, options, NOTE, (leaf, before) => {
      this.changed(before === connectivityState.READY && leaf.state !== before)
    })
    this.#leaf.connect()
  }

  wake(): void {
    this.#leaf?.wake()
  }

  close(): void {
    this.#leaf?.close()
    this.#leaf = undefined
  }

  #placeOf(address: string): number {
    return this.#list.findIndex(
      (entry) =>
        !entry.drop && experimental.subchannelAddressToString({ host: entry.host, port: entry.port }) === address,
    )
  }
}

function keyOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return formatHostPort(host, port)
}
