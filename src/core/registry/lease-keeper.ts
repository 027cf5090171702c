import { Backoff } from '../backoff.js'
import type { FairleadError } from '../errors.js'
import { asFairleadError } from '../errors.js'
import type { Runtime } from '../runtime.js'
import type { KeepAliveChannel } from './keepalive-channel.js'
import { initialLease, type LeaseAction, type LeaseEvent, type LeaseState, stepLease } from './lease-state.js'
import type { Store } from './store.js'

/** What is known of a lease that can be used. */
export interface LeaseView {
  readonly id: bigint
  readonly ttlSeconds: number
  /** False once no keepalive was answered for a whole TTL. */
  readonly certain: boolean
}

/** A grant that hangs must not use up the time that healing may take. */
const GRANT_TIMEOUT_MS = 2000

/** Keeps one lease: drives the state machine of lease-state.ts with a store, a shared keepalive stream and the clock. */
export class LeaseKeeper {
  readonly #store: Store
  readonly #channel: KeepAliveChannel
  readonly #ttlSeconds: number
  readonly #runtime: Runtime
  readonly #onChange: () => void
  readonly #backoff: Backoff
  readonly #slowBackoff: Backoff
  readonly #events: LeaseEvent[] = []
  #state: LeaseState = initialLease
  #cancelTimer: (() => void) | undefined
  #unsubscribe: (() => void) | undefined
  #lastError: FairleadError | undefined
  #revoked: Promise<void> = Promise.resolve()

  /** @param onChange called after the lease was granted, became uncertain, certain again or was lost, and after a failed grant. */
  constructor(store: Store, channel: KeepAliveChannel, ttlSeconds: number, runtime: Runtime, onChange: () => void) {
    this.#store = store
    this.#channel = channel
    this.#ttlSeconds = ttlSeconds
    this.#runtime = runtime
    this.#onChange = onChange
    this.#backoff = new Backoff(runtime.random, { initialMs: 200, maxMs: 1000 })
    this.#slowBackoff = new Backoff(runtime.random, { initialMs: 5000, maxMs: 30_000 })
  }

  /** Undefined while there is none. */
  get current(): LeaseView | undefined {
    const state = this.#state
    if (state.kind !== 'held') return undefined
    return { id: state.id, ttlSeconds: state.ttlMs / 1000, certain: state.certain }
  }

  /** Why the last grant failed, until one succeeds. */
  get lastError(): FairleadError | undefined {
    return this.#lastError
  }

  start(): void {
    this.#post({ type: 'start' })
  }

  /**
   * Tells that the registry denied knowing the lease, or cannot be the one that granted it. Another one takes its place; nothing happens if
   * it is not the current one.
   */
  reportGone(id: bigint): void {
    this.#post({ type: 'answered', id, ttlSeconds: 0 })
  }

  /** Stops renewing and revokes the lease, with every key still on it. Resolves when that was tried. Idempotent. */
  async stop(): Promise<void> {
    this.#post({ type: 'stop' })
    this.#cancelTimer?.()
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    await this.#revoked
  }

  /** Steps the machine. An event that an action brings about waits until the other actions of its step are done. */
  #post(event: LeaseEvent): void {
    this.#events.push(event)
    if (this.#events.length > 1) return
    const { clock, random } = this.#runtime
    for (let next = this.#events[0]; next; next = this.#events[0]) {
      const { state, actions } = stepLease(this.#state, next, clock.now(), random.next())
      this.#state = state
      for (const action of actions) this.#perform(action)
      this.#events.shift()
    }
  }

  #perform(action: LeaseAction): void {
    switch (action.type) {
      case 'grant':
        void this.#grant()
        break
      case 'retry':
        this.#timer((action.refused ? this.#slowBackoff : this.#backoff).next())
        this.#onChange()
        break
      case 'timer':
        this.#timer(action.afterMs)
        break
      case 'send':
        this.#channel.send(action.id)
        break
      case 'reopen':
        this.#channel.reopen()
        break
      case 'revoke':
        this.#revoked = this.#revoke(action.id)
        break
      case 'held':
        this.#subscribe()
        this.#onChange()
        break
      case 'uncertain':
        this.#runtime.log.warn('no keepalive was answered for a whole TTL', { lease: action.id.toString(16) })
        this.#onChange()
        break
      case 'gone':
        this.#unsubscribe?.()
        this.#unsubscribe = undefined
        this.#runtime.log.warn('the lease is gone', { lease: action.id.toString(16) })
        break
    }
  }

  async #grant(): Promise<void> {
    const sentAt = this.#runtime.clock.now()
    try {
      const { id, ttlSeconds } = await this.#store.grantLease(this.#ttlSeconds, { timeoutMs: GRANT_TIMEOUT_MS })
      this.#backoff.reset()
      this.#slowBackoff.reset()
      this.#lastError = undefined
      this.#post({ type: 'granted', id, ttlSeconds, sentAt })
    } catch (error) {
      this.#lastError = asFairleadError(error)
      const refused = !['UNAVAILABLE', 'ABORTED'].includes(this.#lastError.code)
      this.#runtime.log[refused ? 'warn' : 'debug']('no lease was granted', { error: this.#lastError.message })
      this.#post({ type: 'grant-failed', refused })
    }
  }

  async #revoke(id: bigint): Promise<void> {
    try {
      await this.#store.revokeLease(id, { timeoutMs: GRANT_TIMEOUT_MS })
    } catch (error) {
      this.#runtime.log.debug('the lease could not be revoked and runs out by itself', {
        lease: id.toString(16),
        error: asFairleadError(error).message,
      })
    }
  }

  #subscribe(): void {
    this.#unsubscribe ??= this.#channel.subscribe({
      onOpened: () => this.#post({ type: 'stream-opened' }),
      onEnded: () => this.#post({ type: 'stream-ended' }),
      onAnswer: (id, ttlSeconds) => this.#post({ type: 'answered', id, ttlSeconds }),
    })
  }

  #timer(ms: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#runtime.clock.after(ms, () => this.#post({ type: 'timer' }))
  }
}
