/**
 * Keeps back the end of a wire that is read by 'data' events while the wire is paused: Node reads on in a paused stream, and
 * tells of its end at once where nothing is left to be read before it.
 */
export class HeldEnd {
  readonly #tell: () => void
  #isPaused = true
  #waits = false

  /** `tell` is called once, inside `came` or later. A wire begins paused. */
  constructor(tell: () => void) {
    this.#tell = tell
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.#waits) setImmediate(this.#tellUnlessPaused)
  }

  /** Node has told of the end. */
  came(): void {
    this.#waits = true
    this.#tellUnlessPaused()
  }

  /** The wire is gone: what waits is told now. */
  release(): void {
    this.#isPaused = false
    this.#tellUnlessPaused()
  }

  readonly #tellUnlessPaused = (): void => {
    if (!this.#waits || this.#isPaused) return
    this.#waits = false
    this.#tell()
  }
}
