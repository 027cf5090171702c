import { NO_BYTES } from '../transport/no-bytes.js'

/** A field section that comes in HEADERS and CONTINUATION frames, joined. */
export class SectionAssembly {
  /** The stream whose section is under way, 0 if none is: nothing but its CONTINUATION may follow (RFC 9113 §4.3). */
  id = 0
  end = false
  /** The section breaks a rule of its stream; it is decoded all the same, for the table's sake. */
  malformed = false
  continuations = 0
  bytes = NO_BYTES
  length = 0

  begin(id: number, end: boolean, malformed: boolean): void {
    this.id = id
    this.end = end
    this.malformed = malformed
    this.continuations = 0
    this.length = 0
  }

  add(bytes: Buffer, offset: number, length: number): void {
    if (this.length + length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + length))
      this.bytes.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    this.length += bytes.copy(this.bytes, this.length, offset, offset + length)
  }

  /** The section is complete: returns its bytes and lets go of them. */
  take(): Buffer {
    const bytes = this.bytes.subarray(0, this.length)
    this.id = 0
    this.bytes = NO_BYTES
    return bytes
  }
}
