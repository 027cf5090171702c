import { describe, expect, it } from 'vitest'
import { parseJsonInput } from '../../src/cli/json-input.js'

describe('JSON from a user', () => {
  it('comes back parsed', () => {
    expect(parseJsonInput(' {"a":[1,"x"]} ', 'it')).toEqual({ a: [1, 'x'] })
  })

  it.each([
    ['', 'it ends too early at line 1, column 1'],
    ['{', 'it ends too early at line 1, column 2'],
    ['[1,2', 'it ends too early at line 1, column 5'],
    ['tr', 'it ends too early at line 1, column 3'],
    ['{"a":}', 'unexpected "}" at line 1, column 6'],
    ['{"a":1,}', 'unexpected "}" at line 1, column 8'],
    ['{a:1}', 'unexpected "a" at line 1, column 2'],
    ['{"a":tru}', 'unexpected "}" at line 1, column 9'],
    ['{"a":\n 1 2}', 'unexpected "2" at line 2, column 4'],
    ['{"a":"x\ny"}', 'unexpected "\\n" at line 1, column 8'],
    ['{} x', 'unexpected "x" at line 1, column 4'],
    ['"\\q"', 'unexpected "q" at line 1, column 3'],
    [`{"${'b'.repeat(200)}":1, "a": zzz, "${'c'.repeat(200)}":2}`, 'unexpected "z" at line 1, column 213'],
  ])('names the position in %j', (text, where) => {
    expect(() => parseJsonInput(text, 'the config')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: `the config is not JSON: ${where}` }),
    )
  })
})
