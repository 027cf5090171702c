import type { LoadReport } from './load-report.js'

/** How many reports the recent figures cover. */
const RECENT_REPORTS = 8

export interface TallyRow {
  readonly address: string
  readonly weight: number
  /** Whether it is registered now. */
  readonly registered: boolean
  readonly total: Figures
  /** The last two seconds. */
  readonly recent: Figures
}

export interface Figures {
  readonly requests: number
  /** 0–1, of all requests. */
  readonly share: number
  /** The share its weight stood for, 0–1, averaged over all requests: nothing for those sent while it was away. */
  readonly expected: number
}

interface Bucket {
  readonly ms: number
  readonly answers: ReadonlyMap<string, number>
  readonly expected: ReadonlyMap<string, number>
}

/** Counts who answered, and beside it who should have by the weights registered at the time. */
export class Tally {
  readonly #weights = new Map<string, number>()
  readonly #registered = new Set<string>()
  readonly #requests = new Map<string, number>()
  readonly #expected = new Map<string, number>()
  readonly #buckets: Bucket[] = []
  #answered = 0
  #failed = 0

  /** Makes an endpoint known. It stays in the rows for good; only what it is due changes with `enter` and `leave`. */
  add(address: string, weight: number): void {
    this.#weights.set(address, weight)
  }

  enter(address: string): void {
    this.#registered.add(address)
  }

  leave(address: string): void {
    this.#registered.delete(address)
  }

  /** Takes in a report. An answer from an address that is not known counts as failed. */
  record(report: LoadReport): void {
    const answers = new Map<string, number>()
    let answered = 0
    for (const [address, count] of report.answers) {
      if (this.#weights.has(address)) {
        answers.set(address, count)
        add(this.#requests, address, count)
        answered += count
      } else {
        this.#failed += count
      }
    }
    this.#answered += answered
    this.#failed += report.failed
    const expected = this.#due(answered)
    for (const [address, count] of expected) add(this.#expected, address, count)
    this.#buckets.push({ ms: report.ms, answers, expected })
    if (this.#buckets.length > RECENT_REPORTS) this.#buckets.shift()
  }

  #due(answered: number): Map<string, number> {
    const due = new Map<string, number>()
    const registered = [...this.#registered].map((address) => [address, this.#weights.get(address)!] as const)
    const weights = sum(registered.map(([, weight]) => weight))
    for (const [address, weight] of registered) due.set(address, (answered * weight) / weights)
    return due
  }

  /** Requests that ended, well or not. */
  get requests(): number {
    return this.#answered + this.#failed
  }

  get failed(): number {
    return this.#failed
  }

  /** Requests a second, recently. */
  get rate(): number {
    return perSecond(this.#buckets, (bucket) => sum(bucket.answers.values()))
  }

  /** One row for each known endpoint, in the order they were added. */
  rows(): readonly TallyRow[] {
    const recent = this.#buckets
    return [...this.#weights].map(([address, weight]) => ({
      address,
      weight,
      registered: this.#registered.has(address),
      total: figures(this.#requests.get(address) ?? 0, this.#expected.get(address) ?? 0, this.#answered),
      recent: figures(
        sum(recent.map((bucket) => bucket.answers.get(address) ?? 0)),
        sum(recent.map((bucket) => bucket.expected.get(address) ?? 0)),
        sum(recent.map((bucket) => sum(bucket.answers.values()))),
      ),
    }))
  }
}

function figures(requests: number, expected: number, all: number): Figures {
  return { requests, share: all === 0 ? 0 : requests / all, expected: all === 0 ? 0 : expected / all }
}

function perSecond(buckets: readonly Bucket[], count: (bucket: Bucket) => number): number {
  const ms = sum(buckets.map((bucket) => bucket.ms))
  return ms === 0 ? 0 : (sum(buckets.map(count)) * 1000) / ms
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}

function add(map: Map<string, number>, key: string, count: number): void {
  map.set(key, (map.get(key) ?? 0) + count)
}
