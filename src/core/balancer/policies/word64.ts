/**
 * A mutable unsigned 64-bit number as two signed 32-bit halves, with arithmetic modulo 2^64. Changed in place, so that
 * hashing allocates nothing.
 */
export class Word64 {
  high = 0
  low = 0

  set(high: number, low: number): this {
    this.high = high | 0
    this.low = low | 0
    return this
  }

  copy(other: Word64): this {
    return this.set(other.high, other.low)
  }

  add(high: number, low: number): this {
    const sum = (this.low + low) | 0
    const carry = sum >>> 0 < low >>> 0 ? 1 : 0
    this.high = (this.high + high + carry) | 0
    this.low = sum
    return this
  }

  xor(high: number, low: number): this {
    this.high ^= high
    this.low ^= low
    return this
  }

  multiply(high: number, low: number): this {
    const upper = Math.imul(this.high, low) + Math.imul(this.low, high)
    this.high = (upper + highProduct(this.low, low)) | 0
    this.low = Math.imul(this.low, low)
    return this
  }

  /** Rotates left by 1 to 31 bits. */
  rotate(bits: number): this {
    const { high, low } = this
    this.high = (high << bits) | (low >>> (32 - bits))
    this.low = (low << bits) | (high >>> (32 - bits))
    return this
  }

  /** Xors itself with itself shifted right by 1 to 63 bits. */
  foldRight(bits: number): this {
    const { high, low } = this
    if (bits >= 32) {
      this.low = low ^ (bits === 32 ? high : high >>> (bits - 32))
    } else {
      this.low = low ^ ((low >>> bits) | (high << (32 - bits)))
      this.high = high ^ (high >>> bits)
    }
    return this
  }
}

/** The upper 32 bits of the product of two unsigned 32-bit numbers, by 16-bit halves. */
function highProduct(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = (Math.imul(a1, b0) >>> 0) + (Math.imul(a0, b0) >>> 16)
  const other = (Math.imul(a0, b1) >>> 0) + (middle & 0xffff)
  return (Math.imul(a1, b1) + (middle >>> 16) + (other >>> 16)) | 0
}
