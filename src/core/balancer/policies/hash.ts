import { Word64 } from './word64.js'

/** XXH64's primes 1 to 5, as upper and lower halves. */
const P1H = 0x9e3779b1,
  P1L = 0x85ebca87
const P2H = 0xc2b2ae3d,
  P2L = 0x27d4eb4f
const P3H = 0x165667b1,
  P3L = 0x9e3779f9
const P4H = 0x85ebca77,
  P4L = 0xc2b2ae63
const P5H = 0x27d4eb2f,
  P5L = 0x165667c5

const UTF8 = new TextEncoder()

/**
 * XXH64 with seed 0 over a string's UTF-8 bytes, as the xxHash specification has it, in 32-bit arithmetic. Holds the
 * last hash; for ASCII strings a call allocates nothing.
 */
export class KeyHash {
  readonly #hash = new Word64()
  readonly #lane = new Word64()
  readonly #lanes = [new Word64(), new Word64(), new Word64(), new Word64()] as const
  #bytes = new Uint8Array(256)

  /** The upper half of the last hash, unsigned. */
  get high(): number {
    return this.#hash.high >>> 0
  }

  /** The lower half of the last hash, unsigned. */
  get low(): number {
    return this.#hash.low >>> 0
  }

  /** The last hash modulo `n`, up to 2^20. */
  modulo(n: number): number {
    return ((this.high % n) * (2 ** 32 % n) + (this.low % n)) % n
  }

  update(text: string): this {
    const length = this.#encode(text)
    const hash = this.#hash
    let at = 0
    if (length >= 32) at = this.#stripes(length)
    else hash.set(P5H, P5L)
    hash.add(0, length)

    for (; at + 8 <= length; at += 8) {
      const lane = this.#round(this.#lane.set(0, 0), at)
      hash.xor(lane.high, lane.low).rotate(27).multiply(P1H, P1L).add(P4H, P4L)
    }
    if (at + 4 <= length) {
      const lane = this.#lane.set(0, this.#word(at)).multiply(P1H, P1L)
      hash.xor(lane.high, lane.low).rotate(23).multiply(P2H, P2L).add(P3H, P3L)
      at += 4
    }
    for (; at < length; at++) {
      const lane = this.#lane.set(0, this.#bytes[at]!).multiply(P5H, P5L)
      hash.xor(lane.high, lane.low).rotate(11).multiply(P1H, P1L)
    }
    hash.foldRight(33).multiply(P2H, P2L).foldRight(29).multiply(P3H, P3L).foldRight(32)
    return this
  }

  /** Writes the text's UTF-8 bytes into the buffer and returns how many there are. */
  #encode(text: string): number {
    if (text.length * 3 > this.#bytes.length) this.#bytes = new Uint8Array(text.length * 3)
    const bytes = this.#bytes
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return UTF8.encodeInto(text, bytes).written
      bytes[i] = code
    }
    return text.length
  }

  /** Takes in all whole blocks of 32 bytes and returns where they end. */
  #stripes(length: number): number {
    const [a, b, c, d] = this.#lanes
    a.set(P1H, P1L).add(P2H, P2L)
    b.set(P2H, P2L)
    c.set(0, 0)
    d.set(~P1H, ~P1L).add(0, 1)
    let at = 0
    for (; at + 32 <= length; at += 32) {
      this.#round(a, at)
      this.#round(b, at + 8)
      this.#round(c, at + 16)
      this.#round(d, at + 24)
    }
    const hash = this.#hash.set(0, 0)
    const lane = this.#lane
    lane.copy(a).rotate(1)
    hash.add(lane.high, lane.low)
    lane.copy(b).rotate(7)
    hash.add(lane.high, lane.low)
    lane.copy(c).rotate(12)
    hash.add(lane.high, lane.low)
    lane.copy(d).rotate(18)
    hash.add(lane.high, lane.low)
    for (const each of this.#lanes) {
      lane.copy(each).multiply(P2H, P2L).rotate(31).multiply(P1H, P1L)
      hash.xor(lane.high, lane.low).multiply(P1H, P1L).add(P4H, P4L)
    }
    return at
  }

  /** One round of a lane over the eight bytes at `at`. */
  #round(lane: Word64, at: number): Word64 {
    const { high, low } = lane
    lane
      .set(this.#word(at + 4), this.#word(at))
      .multiply(P2H, P2L)
      .add(high, low)
    return lane.rotate(31).multiply(P1H, P1L)
  }

  /** Four bytes, little-endian. */
  #word(at: number): number {
    const bytes = this.#bytes
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }
}
