import { describe, expect, it } from 'vitest'
import { KeyHash } from '../../../src/core/balancer/policies/hash.js'
import { seededRandom } from '../../support/seeded-random.js'

const MASK = (1n << 64n) - 1n
const PRIMES = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n]
const [P1, P2, P3, P4, P5] = PRIMES as [bigint, bigint, bigint, bigint, bigint]

const rotate = (x: bigint, bits: bigint) => ((x << bits) | (x >> (64n - bits))) & MASK
const round = (lane: bigint, word: bigint) => (rotate((lane + word * P2) & MASK, 31n) * P1) & MASK

/** XXH64 with seed 0, written down once more with 64-bit numbers. */
function reference(text: string): bigint {
  const bytes = Buffer.from(text)
  let at = 0
  let hash = P5
  if (bytes.length >= 32) {
    const lanes = [(P1 + P2) & MASK, P2, 0n, -P1 & MASK]
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i]!, bytes.readBigUInt64LE(at + 8 * i))
    }
    hash = lanes.reduce((sum, lane, i) => sum + rotate(lane, [1n, 7n, 12n, 18n][i]!), 0n) & MASK
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * P1 + P4) & MASK
  }
  hash = (hash + BigInt(bytes.length)) & MASK
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4) & MASK
  }
  if (at + 4 <= bytes.length) {
    hash = (rotate(hash ^ ((BigInt(bytes.readUInt32LE(at)) * P1) & MASK), 23n) * P2 + P3) & MASK
    at += 4
  }
  for (; at < bytes.length; at++) hash = (rotate(hash ^ ((BigInt(bytes[at]!) * P5) & MASK), 11n) * P1) & MASK
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK
  return hash ^ (hash >> 32n)
}

const whole = (hash: KeyHash) => (BigInt(hash.high) << 32n) | BigInt(hash.low)

describe('XXH64', () => {
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('of %j is as published', (text, expected) => {
    expect(whole(new KeyHash().update(text))).toBe(expected)
  })

  it('agrees with 64-bit arithmetic for texts of every length, ASCII and not', () => {
    const chance = seededRandom(64)
    const hash = new KeyHash()
    for (let length = 0; length < 400; length++) {
      const limit = length % 2 ? 0x80 : 0xd800
      const text = String.fromCharCode(...Array.from({ length }, () => Math.floor(chance.next() * limit)))
      const expected = reference(text)
      expect(whole(hash.update(text))).toBe(expected)
      for (const n of [1, 3, 65_537, 5_000_011]) expect(hash.modulo(n)).toBe(Number(expected % BigInt(n)))
    }
  })
})
