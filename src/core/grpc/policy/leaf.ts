import { type ChannelOptions, connectivityState, experimental, Metadata } from '@grpc/grpc-js'

const NO_CALL: experimental.PickArgs = { metadata: new Metadata(), extraPickInfo: {} }

/**
 * One connection, to one of the addresses of an endpoint. It connects when told to, comes back from a failure by itself, after the backoff
 * of its subchannel, and is idle after a loss until it is told again.
 */
export class Leaf {
  readonly #balancer: experimental.LeafLoadBalancer
  #closed = false
  /** Whether it was given other addresses while it was idle: grpc-js would wake to the former ones. */
  #moved = false
  state = connectivityState.IDLE
  /** What calls are sent through. Only while READY. */
  subchannel: experimental.SubchannelInterface | undefined
  /** Why it could not connect, last. */
  lastError: string | undefined

  /** @param changed called after `state` may have changed, also while `connect`, `update` or `wake` is under way */
  constructor(
    endpoint: experimental.Endpoint,
    helper: experimental.ChannelControlHelper,
    options: ChannelOptions,
    note: string,
    changed: (leaf: Leaf, before: connectivityState) => void,
  ) {
    const own = experimental.createChildChannelControlHelper(helper, {
      updateState: (state, picker, error) => {
        // A timer of grpc-js's pick_first outlives it.
        if (this.#closed) return
        const before = this.state
        this.state = state
        this.subchannel = state === connectivityState.READY ? (picker.pick(NO_CALL).subchannel ?? undefined) : undefined
        if (error !== null) this.lastError = error
        changed(this, before)
      },
      requestReresolution: () => {
        if (!this.#closed) helper.requestReresolution()
      },
    })
    this.#balancer = new experimental.LeafLoadBalancer(endpoint, own, options, note)
  }

  connect(): void {
    this.#moved = false
    this.#balancer.startConnecting()
  }

  /** Goes to other addresses, or by other options. What is connected stays where it is among the addresses still. */
  update(endpoint: experimental.Endpoint, options: ChannelOptions): void {
    this.#moved = this.state === connectivityState.IDLE
    this.#balancer.updateEndpoint(endpoint, options)
  }

  /** Connects again if it is idle. */
  wake(): void {
    if (this.state !== connectivityState.IDLE) return
    if (this.#moved) this.connect()
    else this.#balancer.exitIdle()
  }

  /** Lets go of the connection; calls that use it go on to their end. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.subchannel = undefined
    this.#balancer.destroy()
  }
}
