import { sanitize } from '../../cli/sanitize.js'
import type { Registered } from '../../core/registry/record.js'
import type { Row, RowDetails, Tone, Trend } from '../board.js'
import { takesTraffic } from './expected.js'

const KEPT_CHECKS = 60

/** What is known of one endpoint of a service that is followed without a proxy: its record, and how its checks go. */
export class FollowedEndpoint {
  #record: Registered
  #details: RowDetails
  #checkMs: number | null = null
  #checks: Trend = []
  #health: 'unknown' | 'healthy' | 'unhealthy' = 'unknown'
  #healthReason = ''
  #healthAt = 0
  #stateAt: number

  /** `now` is monotonic milliseconds, here and below. */
  constructor(record: Registered, now: number) {
    this.#record = record
    this.#details = detailsOf(record)
    this.#stateAt = now
  }

  get record(): Registered {
    return this.#record
  }

  get weight(): number {
    return this.#record.endpoint.weight
  }

  /** Whether it takes new traffic, by what is known here. */
  get isUsable(): boolean {
    return takesTraffic(this.#record.endpoint, this.#health === 'unhealthy')
  }

  /** Whether its checks have amounted to anything yet. */
  get isJudged(): boolean {
    return this.#health !== 'unknown'
  }

  /** The registry says something else of it. */
  describe(record: Registered, now: number): void {
    if (record.endpoint.state !== this.#record.endpoint.state) this.#stateAt = now
    this.#record = record
    this.#details = detailsOf(record)
  }

  /** A check took so long and failed for `reason`, or went well. */
  checked(ms: number, reason: string | undefined): void {
    this.#checkMs = reason === undefined ? ms : null
    this.#checks = [...this.#checks.slice(1 - KEPT_CHECKS), this.#checkMs]
  }

  /** Its checks amount to something else than before. */
  judged(healthy: boolean, reason: string, now: number): void {
    this.#health = healthy ? 'healthy' : 'unhealthy'
    this.#healthReason = sanitize(reason)
    this.#healthAt = now
  }

  /** `expected`: its part of the traffic, 0 to 1. */
  row(section: string, expected: number, now: number): Row {
    const { address, zone, weight } = this.#record.endpoint
    return {
      key: `${section} ${address}`,
      address,
      zone: sanitize(zone ?? ''),
      weight,
      ...this.#status(now),
      share: null,
      expected,
      traffic: undefined,
      rateTrend: [],
      latencyTrend: this.#checks,
      checkMs: this.#checkMs,
      details: this.#details,
    }
  }

  #status(now: number): Pick<Row, 'tone' | 'status' | 'statusMs' | 'why'> {
    const { role, state, weight } = this.#record.endpoint
    const as = (tone: Tone, status: string, since?: number, why = '') => {
      return { tone, status, statusMs: since === undefined ? undefined : now - since, why }
    }
    if (role === 'balancer') return as('resting', 'balancer')
    if (this.#health === 'unhealthy') return as('bad', 'unhealthy', this.#healthAt, this.#healthReason)
    if (state !== 'ready') return as('resting', state, this.#stateAt)
    if (this.#health === 'unknown') return as('warming', 'checking')
    return weight === 0 ? as('resting', 'weight 0') : as('good', 'ready')
  }
}

function detailsOf({ endpoint, lease }: Registered): RowDetails {
  return {
    from: 'registry',
    id: sanitize(endpoint.id),
    role: endpoint.role,
    state: endpoint.state,
    lease: lease === 0n ? '' : lease.toString(16),
    meta: Object.entries(endpoint.meta).map(([key, value]) => [sanitize(key), sanitize(value)]),
  }
}
