import { type ChannelOptions, connectivityState, type experimental } from '@grpc/grpc-js'
import { Leaf } from '../policy/leaf.js'
import type { ReadyTurn } from './list-picker.js'
import { addressOf, LIST_NOTE, serversOf, type ListedServers, type ServersChanged } from './listed-servers.js'
import type { ListEntry } from './server-list.js'

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
    const servers = [...serversOf(list).values()]
    const connected = this.#leaf?.subchannel?.getAddress()
    const endpoint = { addresses: servers.map(({ host, port }) => ({ host, port })) }
    if (this.#leaf && servers.length > 0 && (connected === undefined || this.#placeOf(connected) >= 0)) {
      return this.#leaf.update(endpoint, options)
    }
    // grpc-js would go on sending calls to a server that is not listed any more for as long as no other one can be connected to.
    this.#leaf?.close()
    this.#leaf = undefined
    if (servers.length === 0) return
    this.#leaf = new Leaf(endpoint, this.helper, options, LIST_NOTE, (leaf, before) => {
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
    return this.#list.findIndex((entry) => !entry.drop && addressOf(entry) === address)
  }
}
