import { experimental, Metadata, status } from '@grpc/grpc-js'
import type { CallStats } from './call-stats.js'
import { observed } from '../observed-subchannel.js'
import type { ListEntry } from './server-list.js'

/** A server's turn in the list that calls can be sent to now. */
export interface ReadyTurn {
  /** Where in the list it stands. */
  readonly place: number
  readonly subchannel: experimental.SubchannelInterface
  readonly token: string
}

/** Whose turn is next in a list. Kept while connections of the same list come and go. */
export interface Turns {
  /** The place of the next entry, drops included. */
  entry: number
  /** The place of the next server. */
  server: number
}

const TOKEN_FIELD = 'lb-token'

const DROPPED: experimental.PickResult = {
  pickResultType: experimental.PickResultType.DROP,
  subchannel: null,
  status: { code: status.UNAVAILABLE, details: 'call dropped by the lookaside balancer', metadata: new Metadata() },
  onCallStarted: null,
  onCallEnded: null,
}

/**
 * Picks in two steps, as grpclb clients do: in turn among all entries of the list, of which some say that the call is to be dropped;
 * and, unless it is, in turn among those servers of the list that are connected, in its order. A call that is dropped is not tried again.
 */
export class ListPicker implements experimental.Picker {
  #next: number

  /** @param ready in the order of the list; empty only where every entry is a drop */
  constructor(
    private readonly list: readonly ListEntry[],
    private readonly ready: readonly ReadyTurn[],
    private readonly turns: Turns,
    private readonly stats: CallStats,
  ) {
    this.#next = Math.max(
      0,
      ready.findIndex(({ place }) => place >= turns.server),
    )
  }

  pick({ metadata }: experimental.PickArgs): experimental.PickResult {
    const { list, turns } = this
    const entry = list[turns.entry]!
    turns.entry = (turns.entry + 1) % list.length
    if (entry.drop) {
      this.stats.dropped(entry.token)
      return DROPPED
    }
    const turn = this.ready[this.#next]!
    this.#next = (this.#next + 1) % this.ready.length
    turns.server = this.ready[this.#next]!.place
    if (turn.token !== '') metadata.set(TOKEN_FIELD, turn.token)
    return this.#sendTo(turn.subchannel)
  }

  #sendTo(subchannel: experimental.SubchannelInterface): experimental.PickResult {
    const { stats } = this
    let isReceived = false
    const observer = { received: () => void (isReceived = true), notSent: () => stats.failedToSend() }
    return {
      pickResultType: experimental.PickResultType.COMPLETE,
      subchannel: observed(subchannel, observer),
      status: null,
      onCallStarted: () => stats.started(),
      onCallEnded: () => stats.finished(isReceived),
    }
  }
}
