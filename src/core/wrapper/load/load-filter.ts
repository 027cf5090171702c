/** How much of the way towards a new sample the figure goes. */
const SMOOTHING = 0.5
/** A figure that is nearer to the one in the record is not worth a write. */
const LEAST_CHANGE = 0.05

/** Makes of samples the figure for the record: smoothed, in hundredths, and seldom another one. */
export class LoadFilter {
  #smooth: number | undefined

  /** Takes in a sample, 0–1; undefined: there is none to be had. */
  take(sample: number | undefined): void {
    if (sample === undefined) this.#smooth = undefined
    else this.#smooth = this.#smooth === undefined ? sample : this.#smooth + SMOOTHING * (sample - this.#smooth)
  }

  /** What a record that says `current` is to say instead (null: nothing); undefined where it may stay. */
  change(current: number | undefined): number | null | undefined {
    if (this.#smooth === undefined) return current === undefined ? undefined : null
    const hundredths = Math.round(this.#smooth * 100)
    const isFar = current === undefined || Math.abs(hundredths - current * 100) >= LEAST_CHANGE * 100 - 1e-6
    return isFar ? hundredths / 100 : undefined
  }
}
