import { type ChannelOptions, connectivityState, type experimental } from '@grpc/grpc-js'
import { Leaf } from '../policy/leaf.js'
import type { ReadyTurn } from './list-picker.js'
import { addressOf, LIST_NOTE, serversOf, type ListedServers, type ServersChanged } from './listed-servers.js'
import type { ListEntry } from './server-list.js'

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
      const subchannel = entry.drop ? undefined : this.#leaves.get(addressOf(entry))?.subchannel
      return subchannel ? [{ place, subchannel, token: entry.token }] : []
    })
  }

  update(list: readonly ListEntry[], options: ChannelOptions): void {
    this.#list = list
    const wanted = serversOf(list)
    for (const [address, leaf] of this.#leaves) {
      if (wanted.has(address)) continue
      this.#leaves.delete(address)
      leaf.close()
    }
    for (const [address, { host, port }] of wanted) {
      if (this.#leaves.has(address)) continue
      const leaf = new Leaf({ addresses: [{ host, port }] }, this.helper, options, LIST_NOTE, (...news) =>
        this.#heard(...news),
      )
      this.#leaves.set(address, leaf)
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
