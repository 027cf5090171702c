import type { Balancer, BalancerStatus, PickResult } from '../balancer/contract.js'
import type { Outcome } from '../balancer/upstream.js'
import type { Resolver } from '../discovery/resolution.js'
import { asFairleadError, FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'

export interface PickOptions {
  /** What the hash policies hash: a user, a session, a client's address. */
  readonly key?: string
  /** Earlier picks that this request has already failed on. */
  readonly exclude?: readonly Picked[]
}

/** A choice, counted as in flight until `done`. Its members may be taken apart: `const { endpoint, done } = …`. */
export interface Picked {
  readonly endpoint: Endpoint
  /**
   * Tells that the request has ended, and how: by default well. Call it exactly once in effect, or the endpoint counts as busy for
   * good; further calls do nothing.
   */
  readonly done: (outcome?: Outcome) => void
}

/** Balances over a service, following it for as long as it is open. */
export interface ServiceBalancer extends AsyncDisposable {
  readonly service: string
  /** What is balanced over: the last that was heard. Undefined until the registry has answered once. */
  readonly snapshot: Snapshot | undefined
  /** Whether the registry is away. Picks go on over the last snapshot. */
  readonly stale: boolean
  /** The policy in use, and each endpoint with its counters and whether it may be picked. */
  status(): BalancerStatus
  /**
   * Chooses an endpoint. Synchronous: no I/O.
   *
   * @throws FairleadError NO_ENDPOINTS when none may take traffic
   */
  pick(options?: PickOptions): Picked
  /** Stops following the service. Picks go on over the last snapshot. Idempotent. */
  close(): Promise<void>
}

/** Feeds a balancer from a resolver until closed. */
export class FollowingBalancer implements ServiceBalancer {
  readonly service: string
  /** Resolves when nothing follows the service any more. */
  readonly closed: Promise<void>
  snapshot: Snapshot | undefined
  stale = false
  readonly #balancer: Balancer
  readonly #end = new AbortController()
  readonly #ready: Promise<void>
  readonly #picks = new WeakMap<Picked, PickResult>()

  constructor(resolver: Resolver, service: string, balancer: Balancer) {
    this.service = service
    this.#balancer = balancer
    let settle: (error?: FairleadError) => void = () => {}
    this.#ready = new Promise((resolve, reject) => (settle = (error) => (error ? reject(error) : resolve())))
    this.#ready.catch(() => {})
    this.closed = this.#follow(resolver, settle).then(
      () => settle(this.#aborted()),
      (error: unknown) => settle(asFairleadError(error)),
    )
  }

  /**
   * Waits for the first snapshot. Rejects, and closes, when the registry cannot be reached; likewise when the signal aborts or
   * `close` comes first (ABORTED).
   */
  async whenReady(signal?: AbortSignal): Promise<void> {
    const onAbort = () => void this.close()
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    try {
      await this.#ready
    } catch (error) {
      await this.close()
      throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async #follow(resolver: Resolver, settle: (error?: FairleadError) => void): Promise<void> {
    for await (const resolution of resolver.resolve(this.service, this.#end.signal)) {
      this.stale = resolution.kind === 'stale'
      if (resolution.kind === 'snapshot') {
        this.snapshot = resolution.snapshot
        this.#balancer.update(resolution.snapshot)
        settle()
      } else {
        settle(resolution.error)
      }
    }
  }

  status(): BalancerStatus {
    return this.#balancer.status()
  }

  pick(options: PickOptions = {}): Picked {
    const { key, exclude } = options
    const result = this.#balancer.pick({
      ...(key === undefined ? undefined : { key }),
      ...(exclude === undefined ? undefined : { exclude: this.#upstreams(exclude) }),
    })
    const pick: Picked = {
      endpoint: result.upstream.endpoint,
      done: (outcome = { ok: true }) => result.done(outcome),
    }
    this.#picks.set(pick, result)
    return pick
  }

  #upstreams(picks: readonly Picked[]) {
    return picks.map((pick) => {
      const result = this.#picks.get(pick)
      if (result) return result.upstream
      throw new FairleadError('INVALID_ARGUMENT', `an excluded pick is not of this balancer of ${this.service}`)
    })
  }

  close(): Promise<void> {
    this.#end.abort()
    return this.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #aborted(): FairleadError {
    return new FairleadError('ABORTED', `the balancer of ${this.service} was closed`)
  }
}
