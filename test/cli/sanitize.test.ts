import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUnsafe, sanitize, sanitizeJson } from '../../src/cli/sanitize.js'

describe('text for a terminal', () => {
  it.each([
    ['plain ASCII, ü, 漢字 and 🎉', 'plain ASCII, ü, 漢字 and 🎉'],
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['a\nb\rc\td\u0000', 'a\\x0ab\\x0dc\\x09d\\x00'],
    ['\u007f\u009b31m', '\\x7f\\x9b31m'],
    ['abc\u202edcb\u202c', 'abc\\u202edcb\\u202c'],
    ['zero\u200bwidth\ufeff', 'zero\\u200bwidth\\ufeff'],
    ['\u{e0041}tag', '\\u{e0041}tag'],
    ['lone \ud800 surrogate', 'lone \\ud800 surrogate'],
    ['line\u2028separator', 'line\\u2028separator'],
  ])('%j becomes %j', (text, expected) => {
    expect(sanitize(text)).toBe(expected)
    expect(isUnsafe(text)).toBe(text !== expected)
  })

  it('never holds a control character, and is stable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const safe = sanitize(text)
        expect(safe).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e]/u)
        expect(sanitize(safe)).toBe(safe)
      }),
    )
  })

  it('of JSON means the same', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
        const safe = sanitizeJson(json)
        expect(JSON.parse(safe)).toEqual(JSON.parse(json))
        expect(isUnsafe(safe)).toBe(false)
      }),
    )
  })
})
