import { setMaxListeners } from 'node:events'
import { inParallel } from '../in-parallel.js'
import type { Endpoint } from '../model/endpoint.js'
import { byAddress } from '../model/order.js'
import type { Clock } from '../runtime.js'

/** Checks an endpoint once: undefined if it works, else the reason. Never rejects. */
export type Probe = (endpoint: Endpoint, signal: AbortSignal) => Promise<string | undefined>

/** Between two rounds of probes, milliseconds. */
const INTERVAL_MS = 500
/** How many probes run at a time. */
const AT_ONCE = 32
/** How many failures are kept for the message. */
const FAILURES_KEPT = 5

/** Probes endpoints round after round until enough of them pass in one round. */
export class HealthyCount {
  readonly #count: number
  readonly #probe: Probe
  readonly #clock: Clock
  readonly #onPassed: () => void
  readonly #stop = new AbortController()
  #endpoints: readonly Endpoint[] = []
  #isRunning = false
  #cancel: (() => void) | undefined
  /** Those that passed, once they were enough. */
  passed: readonly Endpoint[] | undefined
  /** Why endpoints failed in the last round, by address. */
  failures: ReadonlyMap<string, string> = new Map()

  constructor(count: number, probe: Probe, clock: Clock, onPassed: () => void) {
    this.#count = count
    this.#probe = probe
    this.#clock = clock
    this.#onPassed = onPassed
    setMaxListeners(AT_ONCE, this.#stop.signal)
  }

  /** From now on these are probed, beginning at once. */
  check(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints
    if (!this.#isRunning) void this.#round()
  }

  stop(): void {
    this.#stop.abort()
    this.#cancel?.()
  }

  async #round(): Promise<void> {
    this.#cancel?.()
    if (this.#endpoints.length < this.#count || this.#stop.signal.aborted) return
    this.#isRunning = true
    const passed: Endpoint[] = []
    const failures = new Map<string, string>()
    await inParallel(this.#endpoints, AT_ONCE, async (endpoint) => {
      if (this.#stop.signal.aborted) return
      const reason = await this.#probe(endpoint, this.#stop.signal)
      if (reason === undefined) passed.push(endpoint)
      else if (failures.size < FAILURES_KEPT) failures.set(endpoint.address, reason)
    })
    this.#isRunning = false
    if (this.#stop.signal.aborted) return
    this.failures = failures
    if (passed.length < this.#count) {
      this.#cancel = this.#clock.after(INTERVAL_MS, () => void this.#round())
      return
    }
    this.passed = passed.sort(byAddress)
    this.#onPassed()
  }
}
