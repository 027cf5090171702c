import { Backoff } from '../backoff.js'
import type { Runtime } from '../runtime.js'
import type { KeepAliveStream, Store } from './store.js'

/** What a lease hears from the stream it shares. */
export interface KeepAliveListener {
  onOpened(): void
  onEnded(): void
  onAnswer(id: bigint, ttlSeconds: number): void
}

/**
 * One keepalive stream for many leases. It is open while there are listeners, and opened again with backoff whenever it breaks.
 */
export class KeepAliveChannel {
  readonly #store: Store
  readonly #runtime: Runtime
  readonly #backoff: Backoff
  readonly #listeners = new Set<KeepAliveListener>()
  #stream: KeepAliveStream | undefined
  #cancelReopen: (() => void) | undefined

  constructor(store: Store, runtime: Runtime) {
    this.#store = store
    this.#runtime = runtime
    // Healing has to be done within two seconds of the registry's first answer.
    this.#backoff = new Backoff(runtime.random, { initialMs: 100, maxMs: 1000 })
  }

  /** `onOpened` is called before this returns if the stream is open already. The returned function ends the subscription. */
  subscribe(listener: KeepAliveListener): () => void {
    this.#listeners.add(listener)
    if (this.#stream) listener.onOpened()
    else if (!this.#cancelReopen) this.#open()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.close()
    }
  }

  send(id: bigint): void {
    this.#stream?.send(id)
  }

  /** Replaces a stream that no longer answers. */
  reopen(): void {
    const stream = this.#stream
    if (!stream) return
    this.#stream = undefined
    stream.abandon()
    for (const listener of [...this.#listeners]) listener.onEnded()
    this.#open()
  }

  close(): void {
    this.#cancelReopen?.()
    this.#cancelReopen = undefined
    this.#stream?.close()
    this.#stream = undefined
  }

  #open(): void {
    const stream = this.#store.openKeepAlive({
      onAnswer: (id, ttlSeconds) => {
        this.#backoff.reset()
        for (const listener of [...this.#listeners]) listener.onAnswer(id, ttlSeconds)
      },
      onEnd: (error) => {
        if (this.#stream !== stream) return
        this.#runtime.log.debug('the keepalive stream broke', { error: error.message })
        this.#stream = undefined
        for (const listener of [...this.#listeners]) listener.onEnded()
        if (this.#listeners.size > 0) this.#openLater()
      },
    })
    this.#stream = stream
    for (const listener of [...this.#listeners]) listener.onOpened()
  }

  #openLater(): void {
    this.#cancelReopen ??= this.#runtime.clock.after(this.#backoff.next(), () => {
      this.#cancelReopen = undefined
      this.#open()
    })
  }
}
