const FIRST_CAPACITY = 16

/**
 * The live figures that policies compare, of all upstreams of a balancer, a column each. Policies that draw a few of
 * thousands of endpoints for each pick then touch few places in memory, and those in the processor's caches.
 */
export class LoadTable {
  /** Requests picked and not done yet, by slot. Replaced when the table grows: do not keep it. */
  inFlight = new Int32Array(FIRST_CAPACITY)
  /** Latency in milliseconds and the monotonic milliseconds it is as of, at 2 × slot and beside it; -1 before any. Do not keep it. */
  latency = new Float64Array(2 * FIRST_CAPACITY)
  #size = 0
  readonly #free: number[] = []

  /** A slot for one upstream: nothing in flight, nothing observed. */
  add(): number {
    const slot = this.#free.pop() ?? this.#size++
    if (slot === this.inFlight.length) this.#grow()
    this.inFlight[slot] = 0
    this.latency[2 * slot] = -1
    return slot
  }

  /** Gives a slot back. */
  remove(slot: number): void {
    this.#free.push(slot)
  }

  #grow(): void {
    const { inFlight, latency } = this
    this.inFlight = new Int32Array(2 * inFlight.length)
    this.inFlight.set(inFlight)
    this.latency = new Float64Array(2 * latency.length)
    this.latency.set(latency)
  }
}
