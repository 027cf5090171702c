import type { experimental, Metadata, StatusObject } from '@grpc/grpc-js'

type Subchannel = experimental.SubchannelInterface
type RealSubchannel = ReturnType<Subchannel['getRealSubchannel']>
type CallListener = Parameters<RealSubchannel['createCall']>[3]

/** Hears how one call fares on its connection. */
export interface CallObserver {
  /** The server has begun to answer; a status alone is no beginning. */
  answered?(): void
  /** The server has shown that it has the call. May come more than once. */
  received?(): void
  /** The call could not be put on the connection; nothing else is heard of it. */
  notSent?(): void
}

/**
 * The same subchannel for one call that is watched. Policies hear of a call's start and status only, from which it cannot be told
 * whether the server ever had it: a status may come from this side.
 */
export function observed(subchannel: Subchannel, observer: CallObserver): Subchannel {
  const own = Object.create(subchannel) as Subchannel
  own.getRealSubchannel = () => observedCalls(subchannel.getRealSubchannel(), observer)
  return own
}

function observedCalls(real: RealSubchannel, observer: CallObserver): RealSubchannel {
  const own = Object.create(real) as RealSubchannel
  own.createCall = (metadata, host, method, listener, callId) => {
    try {
      return real.createCall(metadata, host, method, new ObservingListener(listener, observer), callId)
    } catch (error) {
      observer.notSent?.()
      throw error
    }
  }
  return own
}

class ObservingListener implements CallListener {
  readonly #listener: CallListener
  readonly #observer: CallObserver

  constructor(listener: CallListener, observer: CallObserver) {
    this.#listener = listener
    this.#observer = observer
  }

  onReceiveMetadata(headers: Metadata): void {
    this.#observer.answered?.()
    this.#observer.received?.()
    this.#listener.onReceiveMetadata(headers)
  }

  onReceiveMessage(message: Buffer): void {
    this.#listener.onReceiveMessage(message)
  }

  onReceiveStatus(ended: StatusObject): void {
    // An answer that is a status alone comes with fields of the server's; a status from this side has none.
    if (this.#observer.received && Object.keys(ended.metadata.getMap()).length > 0) this.#observer.received()
    this.#listener.onReceiveStatus(ended)
  }
}
