// XXH64's primes 1 to 5, as upper and lower halves.
const P1H = 0x9e3779b1 | 0
const P1L = 0x85ebca87 | 0
const P2H = 0xc2b2ae3d | 0
const P2L = 0x27d4eb4f | 0
const P3H = 0x165667b1 | 0
const P3L = 0x9e3779f9 | 0
const P4H = 0x85ebca77 | 0
const P4L = 0xc2b2ae63 | 0
const P5H = 0x27d4eb2f | 0
const P5L = 0x165667c5 | 0

/** The four lanes at the start: P1 + P2, P2, 0 and -P1, each as its upper and its lower half. */
const LANES_AT_START = [0x60ea27ee, 0xadc0b5d6, P2H, P2L, 0, 0, 0x61c8864e, 0x7a143579]
const LANE_ROTATIONS = [1, 7, 12, 18]

const UTF8 = new TextEncoder()

/**
 * XXH64 with seed 0 over a string's UTF-8 bytes, after the xxHash specification, on 32-bit halves: no BigInt, and for
 * ASCII strings nothing is allocated. Holds the hash of the last `update`.
 */
export class KeyHash {
  #high = 0
  #low = 0
  #bytes = new Uint8Array(256)
  readonly #lanes = new Int32Array(8)

  /** The upper half of the hash, unsigned. */
  get high(): number {
    return this.#high >>> 0
  }

  /** The lower half of the hash, unsigned. */
  get low(): number {
    return this.#low >>> 0
  }

  /** The hash modulo `n`, which is at most 2^26. */
  modulo(n: number): number {
    return remainder(remainder(this.high, n) * remainder(2 ** 32, n) + this.low, n)
  }

  update(text: string): this {
    const length = this.#encode(text)
    const bytes = this.#bytes
    let at = 0
    let high = P5H
    let low = P5L
    if (length >= 32) {
      at = this.#stripes(length)
      high = this.#high
      low = this.#low
    }
    high = highSum(high, low, 0, length)
    low = (low + length) | 0

    for (; at + 8 <= length; at += 8) {
      const word = wordAt(bytes, at)
      const k = Math.imul(word, P2L)
      const kHigh = highProduct(wordAt(bytes, at + 4), word, P2H, P2L)
      const r = (k << 31) | (kHigh >>> 1)
      const x = high ^ highProduct((kHigh << 31) | (k >>> 1), r, P1H, P1L)
      const y = low ^ Math.imul(r, P1L)
      const turned = (y << 27) | (x >>> 5)
      const product = Math.imul(turned, P1L)
      high = highSum(highProduct((x << 27) | (y >>> 5), turned, P1H, P1L), product, P4H, P4L)
      low = (product + P4L) | 0
    }
    if (at + 4 <= length) {
      const word = wordAt(bytes, at)
      const x = high ^ highProduct(0, word, P1H, P1L)
      const y = low ^ Math.imul(word, P1L)
      const turned = (y << 23) | (x >>> 9)
      const product = Math.imul(turned, P2L)
      high = highSum(highProduct((x << 23) | (y >>> 9), turned, P2H, P2L), product, P3H, P3L)
      low = (product + P3L) | 0
      at += 4
    }
    for (; at < length; at++) {
      const byte = bytes[at]!
      const x = high ^ highProduct(0, byte, P5H, P5L)
      const y = low ^ Math.imul(byte, P5L)
      const turned = (y << 11) | (x >>> 21)
      high = highProduct((x << 11) | (y >>> 21), turned, P1H, P1L)
      low = Math.imul(turned, P1L)
    }

    low ^= high >>> 1
    high = highProduct(high, low, P2H, P2L)
    low = Math.imul(low, P2L)
    low ^= (low >>> 29) | (high << 3)
    high ^= high >>> 29
    high = highProduct(high, low, P3H, P3L)
    low = Math.imul(low, P3L)
    this.#high = high
    this.#low = low ^ high
    return this
  }

  /** Writes the text's bytes into the buffer and returns how many there are. */
  #encode(text: string): number {
    const { length } = text
    if (length * 3 > this.#bytes.length) this.#bytes = new Uint8Array(length * 3)
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return UTF8.encodeInto(text, bytes).written
      bytes[i] = code
    }
    return length
  }

  /** Takes in all whole blocks of 32 bytes, a quarter into each of four lanes, and returns where they end. */
  #stripes(length: number): number {
    const lanes = this.#lanes
    lanes.set(LANES_AT_START)
    const end = length - (length % 32)
    for (let at = 0; at < end; at += 8) {
      const lane = (at >>> 2) & 6
      const word = wordAt(this.#bytes, at)
      const product = Math.imul(word, P2L)
      const sum = (lanes[lane + 1]! + product) | 0
      const productHigh = highProduct(wordAt(this.#bytes, at + 4), word, P2H, P2L)
      const sumHigh = highSum(lanes[lane]!, lanes[lane + 1]!, productHigh, product)
      const turned = (sum << 31) | (sumHigh >>> 1)
      lanes[lane] = highProduct((sumHigh << 31) | (sum >>> 1), turned, P1H, P1L)
      lanes[lane + 1] = Math.imul(turned, P1L)
    }
    this.#merge()
    return end
  }

  #merge(): void {
    const lanes = this.#lanes
    let high = 0
    let low = 0
    LANE_ROTATIONS.forEach((bits, i) => {
      const [x, y] = [lanes[i * 2]!, lanes[i * 2 + 1]!]
      const turned = (y << bits) | (x >>> (32 - bits))
      high = highSum(high, low, (x << bits) | (y >>> (32 - bits)), turned)
      low = (low + turned) | 0
    })
    for (let lane = 0; lane < 8; lane += 2) {
      const k = Math.imul(lanes[lane + 1]!, P2L)
      const kHigh = highProduct(lanes[lane]!, lanes[lane + 1]!, P2H, P2L)
      const r = (k << 31) | (kHigh >>> 1)
      const x = high ^ highProduct((kHigh << 31) | (k >>> 1), r, P1H, P1L)
      const y = low ^ Math.imul(r, P1L)
      const product = Math.imul(y, P1L)
      high = highSum(highProduct(x, y, P1H, P1L), product, P4H, P4L)
      low = (product + P4L) | 0
    }
    this.#high = high
    this.#low = low
  }
}

/** `x % n` for whole x below 2^53, by a division: `%` on numbers above 2^31 is several times as slow. */
function remainder(x: number, n: number): number {
  const rest = x - Math.floor(x / n) * n
  return rest < 0 ? rest + n : rest
}

/** Four bytes, little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** The upper half of a 64-bit sum; the lower is `(aLow + bLow) | 0`. */
function highSum(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const carry = ((aLow + bLow) | 0) >>> 0 < bLow >>> 0 ? 1 : 0
  return (aHigh + bHigh + carry) | 0
}

/** The upper half of a 64-bit product modulo 2^64; the lower is `Math.imul(aLow, bLow)`. */
function highProduct(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const a0 = aLow & 0xffff
  const a1 = aLow >>> 16
  const b0 = bLow & 0xffff
  const b1 = bLow >>> 16
  const middle = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0
  const other = (Math.imul(a0, b1) + (middle & 0xffff)) | 0
  const carried = (Math.imul(a1, b1) + (middle >>> 16) + (other >>> 16)) | 0
  return (carried + ((Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0)) | 0
}
