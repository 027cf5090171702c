import { describe, expect, it } from 'vitest'
import { cut, cutMiddle, fit, widthOf } from '../../src/tui/text-width.js'

describe('text of a width', () => {
  it('counts columns, not characters', () => {
    expect([widthOf('abc'), widthOf('東京'), widthOf('━╎▁'), widthOf('')]).toEqual([3, 4, 3, 0])
  })

  it('is cut with an ellipsis, never in the middle of a wide character', () => {
    expect([cut('abcdef', 6), cut('abcdef', 5), cut('abcdef', 1), cut('abcdef', 0)]).toEqual([
      'abcdef',
      'abcd…',
      '…',
      '',
    ])
    expect(cut('東京都', 4)).toBe('東…')
  })

  it('keeps both ends of an address', () => {
    expect(cutMiddle('web-0.web.default.svc:8080', 15)).toBe('web-0.w…vc:8080')
    expect(cutMiddle('10.0.0.1:8080', 15)).toBe('10.0.0.1:8080')
  })

  it('fills up to the width on either side', () => {
    expect([fit('ab', 4), fit('ab', 4, 'right'), fit('東', 3), fit('abcdef', 3)]).toEqual([
      'ab  ',
      '  ab',
      '東 ',
      'ab…',
    ])
  })
})
