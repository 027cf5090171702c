import { expect, it } from 'vitest'
import { Carry } from '../../../src/core/proxy/http1/carry.js'

it('keeps what is appended in order, whatever is dropped in between', () => {
  const carry = new Carry()
  let expected = ''
  const text = () => carry.bytes.toString('latin1', carry.start, carry.end)
  for (let i = 0; i < 500; i++) {
    const piece = Buffer.from(`<${i}:${'x'.repeat((i * 37) % 300)}>`)
    carry.append(piece, 1, piece.length - 1)
    expected += piece.toString('latin1', 1, piece.length - 1)
    const dropped = i % 50 === 49 ? carry.length : (i * 53) % Math.min(carry.length, 400)
    carry.dropTo(carry.start + dropped)
    expected = expected.slice(dropped)
    expect(text()).toBe(expected)
    expect(carry.length).toBe(expected.length)
  }
  expect(carry.bytes.length).toBe(0)
})

it('moves nothing when it is used up piece by piece', () => {
  const carry = new Carry()
  carry.append(Buffer.alloc(100_000), 0, 100_000)
  const { bytes } = carry
  for (let at = 10; at < 100_000; at += 10) {
    carry.dropTo(at)
    expect(carry.bytes).toBe(bytes)
    expect(carry.start).toBe(at)
  }
})
