import type { Random } from '../../src/core/runtime.js'
import type { RawMethod, RawRequest } from './raw-etcd.js'

/** One thing to do to an etcd: a call, or a watch to create. */
export type Step = CallStep | { readonly watch: RawRequest; readonly method?: never }

export interface CallStep {
  readonly method: RawMethod
  readonly request: RawRequest
  readonly watch?: never
}

const NAMES = ['', 'a', 'aa', 'b', 'c', 'd\xff']
const VALUES = ['', 'v', 'w', 'x'.repeat(100)]
const LEASES = 3

/** Random operations on a handful of keys under a prefix, few enough that they meet. */
export class StepGenerator {
  #compacted = 0
  readonly #lease: number

  /** @param sequence makes lease ids of its own */
  constructor(
    private readonly random: Random,
    private readonly prefix: string,
    private current: number,
    sequence: number,
  ) {
    this.#lease = sequence * LEASES + 1
  }

  next(): Step {
    const roll = this.random.next()
    if (roll < 0.35) return { method: 'Put', request: this.#put() }
    if (roll < 0.45) return { method: 'DeleteRange', request: this.#deleteRange() }
    if (roll < 0.65) return { method: 'Range', request: this.#rangeRequest() }
    if (roll < 0.83) return { method: 'Txn', request: this.#txn(2) }
    if (roll < 0.86) return { method: 'LeaseGrant', request: { ID: this.#leaseId(), TTL: 600 } }
    if (roll < 0.88) return { method: 'LeaseRevoke', request: { ID: this.#leaseId() } }
    if (roll < 0.9) return { method: 'LeaseTimeToLive', request: { ID: this.#leaseId(), keys: this.#chance(0.7) } }
    if (roll < 0.93) return { method: 'Compact', request: { revision: this.current - this.#below(25) + 1 } }
    return { watch: this.#watch() }
  }

  /** Tells what became of a step: the revision its answer came with, 0 for a refusal. */
  observe(step: Step, revision: number): void {
    this.current = Math.max(this.current, revision)
    if (step.method === 'Compact' && revision > 0) this.#compacted = Number(step.request['revision'])
  }

  #put(): RawRequest {
    const ignore_value = this.#chance(0.05)
    const ignore_lease = this.#chance(0.05)
    return {
      key: this.#key(),
      value: ignore_value && this.#chance(0.8) ? '' : this.#pick(VALUES),
      lease: this.#chance(ignore_lease ? 0.1 : 0.3) ? this.#leaseId() : 0,
      prev_kv: this.#chance(0.3),
      ignore_value,
      ignore_lease,
    }
  }

  #deleteRange(): RawRequest {
    return { ...this.#range(), prev_kv: this.#chance(0.5) }
  }

  #rangeRequest(): RawRequest {
    const filter = () => (this.#chance(0.1) ? this.#revision() : 0)
    return {
      ...this.#range(),
      limit: this.#chance(0.4) ? this.#below(4) : 0,
      revision: this.#chance(0.4) ? this.#revision() : 0,
      sort_order: this.#chance(0.4) ? this.#below(3) : 0,
      sort_target: this.#chance(0.4) ? this.#below(5) : 0,
      keys_only: this.#chance(0.1),
      count_only: this.#chance(0.1),
      min_mod_revision: filter(),
      max_mod_revision: filter(),
      min_create_revision: filter(),
      max_create_revision: filter(),
    }
  }

  #txn(depth: number): RawRequest {
    return {
      compare: this.#list(3, () => this.#compare()),
      success: this.#list(4, () => this.#operation(depth)),
      failure: this.#list(3, () => this.#operation(depth)),
    }
  }

  #operation(depth: number): RawRequest {
    const roll = this.random.next()
    if (roll < 0.02) return {}
    if (roll < 0.5) return { request_put: this.#put() }
    if (roll < 0.7) return { request_range: this.#rangeRequest() }
    if (roll < 0.85 || depth === 0) return { request_delete_range: this.#deleteRange() }
    return { request_txn: this.#txn(depth - 1) }
  }

  #compare(): RawRequest {
    const operands = [
      { version: this.#below(4) },
      { create_revision: this.#revision() },
      { mod_revision: this.#revision() },
      { value: this.#pick(VALUES) },
      { lease: this.#chance(0.5) ? 0 : this.#leaseId() },
    ]
    const target = this.#below(operands.length)
    const range = this.#chance(0.3) ? this.#range() : { key: this.#key() }
    return { ...range, target, result: this.#below(4), ...operands[target] }
  }

  #watch(): RawRequest {
    // Not at the compacted revision: releases before 3.5.19 drop the deletions of exactly that revision.
    const start = this.#revision()
    return {
      ...this.#range(),
      start_revision: this.#chance(0.5) && start !== this.#compacted ? start : 0,
      filters: this.#chance(0.2) ? [this.#below(2)] : [],
      prev_kv: this.#chance(0.5),
      fragment: this.#chance(0.3),
      watch_id: this.#chance(0.2) ? this.#below(6) : 0,
    }
  }

  #range(): { key: string; range_end?: string } {
    const key = this.#key()
    const roll = this.random.next()
    if (roll < 0.4) return { key }
    // The end of the prefix: its last character, a slash, counted up.
    if (roll < 0.8) return { key, range_end: `${this.prefix.slice(0, -1)}0` }
    const end = this.#key()
    return end === '' ? { key } : { key, range_end: end }
  }

  /** Around the revisions that can be read, a little beyond on both sides. */
  #revision(): number {
    const lowest = Math.max(this.#compacted, this.current - 40)
    return Math.max(1, lowest - 2 + this.#below(this.current - lowest + 4))
  }

  #key(): string {
    return this.#chance(0.01) ? '' : this.prefix + this.#pick(NAMES)
  }

  #leaseId(): number {
    return this.#lease + this.#below(LEASES)
  }

  #list<T>(limit: number, make: () => T): T[] {
    return Array.from({ length: this.#below(limit + 1) }, make)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!
  }

  #below(limit: number): number {
    return Math.floor(this.random.next() * limit)
  }

  #chance(probability: number): boolean {
    return this.random.next() < probability
  }
}
