import { sameButLoad } from '../discovery/same-endpoint.js'
import type { FairleadError } from '../errors.js'
import type { HealthChange } from '../health/monitor.js'
import type { Endpoint } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Clock } from '../runtime.js'
import { type ErrorReport, ErrorReports } from './error-reports.js'
import type { ListenerState, ProxyEvent } from './events.js'
import type { FeedObserver } from './service-feed.js'

/** A listener, as far as its events need it. */
export interface NewsSource {
  /** `scheme://host:port`. */
  readonly listen: string
  readonly service: string
  /** What `listening` and `endpoints` say of it at this moment. */
  state(): ListenerState
}

/**
 * The events of one listener. Nothing is told before it is introduced, but for errors: what is found out about its service until
 * then is told right after.
 */
export class ListenerNews implements FeedObserver {
  readonly #source: NewsSource
  readonly #emit: (event: ProxyEvent) => void
  readonly #errors: ErrorReports
  readonly #foundEarly: HealthChange[] = []
  #introduced = false
  #known: readonly Endpoint[] = []
  #toldPolicy: string
  #staleError: FairleadError | undefined

  /** `policy`: the one that need not be told. */
  constructor(source: NewsSource, policy: string, clock: Clock, emit: (event: ProxyEvent) => void) {
    this.#source = source
    this.#toldPolicy = policy
    this.#emit = emit
    this.#errors = new ErrorReports(clock, ({ kind, address, reason }, count) => {
      const { listen, service } = source
      emit({ event: 'connection_error', listen, service, kind, ...(address && { address }), reason, count })
    })
  }

  /** Why the registry is away; undefined while it is there. */
  get staleError(): FairleadError | undefined {
    return this.#staleError
  }

  /** The listener is open. */
  introduce(): void {
    this.#introduced = true
    this.#emit({ event: 'listening', ...this.#source.state() })
    if (this.#staleError) this.#tellStale(this.#staleError)
    for (const change of this.#foundEarly.splice(0)) this.health(change)
  }

  snapshot({ endpoints }: Snapshot): void {
    const { listen, service } = this.#source
    if (this.#staleError && this.#introduced) this.#emit({ event: 'live', listen, service })
    this.#staleError = undefined
    const isOther = !sameEndpoints(this.#known, endpoints)
    this.#known = endpoints
    this.#tellState(isOther)
  }

  stale(error: FairleadError): void {
    if (!this.#staleError && this.#introduced) this.#tellStale(error)
    this.#staleError = error
  }

  /** The policy may be another one. */
  configured(): void {
    this.#tellState(false)
  }

  health(change: HealthChange): void {
    if (!this.#introduced) return void this.#foundEarly.push(change)
    const { listen, service } = this.#source
    if (change.kind === 'panic') return this.#emit({ event: 'panic', listen, service, panic: change.panic })
    const { address, health, reason } = change
    this.#emit({ event: 'health', listen, service, address, health, reason })
  }

  error(report: ErrorReport): void {
    this.#errors.report(report)
  }

  /** Tells the errors that wait. Idempotent. */
  close(): void {
    this.#errors.close()
  }

  #tellState(isOther: boolean): void {
    const state = this.#source.state()
    if (!isOther && state.policy === this.#toldPolicy) return
    this.#toldPolicy = state.policy
    if (this.#introduced) this.#emit({ event: 'endpoints', ...state })
  }

  #tellStale(error: FairleadError): void {
    const { listen, service } = this.#source
    this.#emit({ event: 'stale', listen, service, reason: error.message })
  }
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, i) => sameButLoad(endpoint, b[i]!))
}
