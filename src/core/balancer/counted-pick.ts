import type { PickResult } from './contract.js'
import type { Outcome, Upstream } from './upstream.js'

/** Where picks are accounted for. */
export interface PickLedger {
  /** Called at most once for each pick, before `finish`. */
  answered(upstream: Upstream, latencyMs: number): void
  /** Called once for each pick. */
  finish(upstream: Upstream, outcome: Outcome): void
}

const SAYS_NOTHING: Outcome = Object.freeze({ ok: undefined })

/** One pick under way. The only object a pick makes. */
export class CountedPick implements PickResult {
  readonly upstream: Upstream
  #balancer: PickLedger | undefined
  #answered = false

  constructor(balancer: PickLedger, upstream: Upstream) {
    this.#balancer = balancer
    this.upstream = upstream
  }

  answered(latencyMs: number): void {
    if (this.#answered) return
    this.#answered = true
    this.#balancer?.answered(this.upstream, latencyMs)
  }

  done(outcome: Outcome): void {
    const balancer = this.#balancer
    if (balancer === undefined) return
    this.#balancer = undefined
    balancer.finish(this.upstream, this.#answered && outcome.ok ? withoutResult(outcome) : outcome)
  }
}

/** Of a request whose answer has been counted already. */
function withoutResult({ load }: Outcome): Outcome {
  return load === undefined ? SAYS_NOTHING : { ok: undefined, load }
}
