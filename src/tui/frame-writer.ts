import { EventEmitter } from 'node:events'

/** A terminal that knows synchronised updates shows what lies between as one; the others pass over it. */
const BEGIN = '\x1b[?2026h'
const END = '\x1b[?2026l'

/**
 * Stands in for the terminal that Ink writes whole frames to, and passes on only the lines that differ from the frame before, each to
 * its place. So nothing flickers, and a frame may be as high as the terminal. (Ink's own incremental rendering, as of 6.8, puts
 * frames that are lower than the terminal one line too low.)
 */
export class FrameWriter extends EventEmitter {
  readonly #write: (text: string) => void
  #lines: readonly string[] = []
  #closed = false
  columns: number
  rows: number

  constructor(columns: number, rows: number, write: (text: string) => void) {
    super()
    this.columns = columns
    this.rows = rows
    this.#write = write
  }

  readonly write = (frame: string): boolean => {
    if (this.#closed) return true
    const lines = frame.split('\n').slice(0, this.rows)
    const changed: string[] = []
    for (let i = 0; i < Math.max(lines.length, this.#lines.length); i++) {
      const line = lines[i] ?? ''
      // Erased before it is written: behind a line of full width the cursor still stands on its last column.
      if (line !== this.#lines[i]) changed.push(`\x1b[${i + 1};1H\x1b[2K${line}`)
    }
    this.#lines = lines
    if (changed.length > 0) this.#write(BEGIN + changed.join('') + END)
    return true
  }

  /** The terminal has another size, and what is on it is anyone's guess: the next frame is written as a whole. */
  resize(columns: number, rows: number): void {
    this.columns = columns
    this.rows = rows
    this.#lines = []
  }

  /** Passes nothing on any more. */
  close(): void {
    this.#closed = true
  }
}
