import { type experimental, Metadata, status, type StatusObject } from '@grpc/grpc-js'

const METHOD = '/grpc.lb.v1.LoadBalancer/BalanceLoad'
/** A byte that says whether the message is compressed, and its length in four more. */
const PREFIX_BYTES = 5

/** Hears what comes on a call to a balancer. */
export interface BalancerCallEvents {
  message(bytes: Buffer): void
  /** The call is over. Called once, unless it was cancelled; possibly while the call is being made. */
  ended(status: Pick<StatusObject, 'code' | 'details'>): void
}

/**
 * A BalanceLoad call on a connection of the channel's own making, so that balancers are trusted by the same credentials as servers. (A
 * policy knows no channel credentials that it could open another channel with.) The credentials of single calls are not sent: they are the servers'.
 */
export class BalancerCall {
  readonly #call: ReturnType<RealSubchannel['createCall']> | undefined
  readonly #events: BalancerCallEvents
  #isOver = false

  /** @param authority what the balancer is asked as, `host:port` */
  constructor(subchannel: experimental.SubchannelInterface, authority: string, events: BalancerCallEvents) {
    this.#events = events
    const listener = {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (message: Buffer) => this.#receive(message),
      onReceiveStatus: (ended: StatusObject) => this.#end(ended),
    }
    try {
      this.#call = subchannel.getRealSubchannel().createCall(new Metadata(), authority, METHOD, listener, 0)
    } catch (error) {
      // The connection was lost a moment ago.
      this.#end({ code: status.UNAVAILABLE, details: (error as Error).message })
      return
    }
    this.#call.startRead()
  }

  send(message: Buffer): void {
    if (this.#isOver) return
    const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length)
    framed.writeUInt8(0, 0)
    framed.writeUInt32BE(message.length, 1)
    message.copy(framed, PREFIX_BYTES)
    this.#call!.sendMessageWithContext({}, framed)
  }

  /** Ends the call; nothing is heard of it afterwards. Idempotent. */
  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#call?.cancelWithStatus(status.CANCELLED, 'no longer needed')
  }

  #receive(framed: Buffer): void {
    if (this.#isOver) return
    if (framed[0] !== 0) {
      this.cancel()
      // No call accepts compressed messages unless it says so.
      return this.#events.ended({ code: status.INTERNAL, details: 'the balancer sent a compressed message' })
    }
    this.#events.message(framed.subarray(PREFIX_BYTES))
    if (!this.#isOver) this.#call!.startRead()
  }

  #end(ended: Pick<StatusObject, 'code' | 'details'>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#events.ended(ended)
  }
}

type RealSubchannel = ReturnType<experimental.SubchannelInterface['getRealSubchannel']>
