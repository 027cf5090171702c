import { expect, it } from 'vitest'
import { RiseAndFall } from '../../../src/core/health/active/rise-and-fall.js'

/** What each of these results (+ passed, - failed) makes of the verdict: h(ealthy), u(nhealthy) or . for no change. */
function verdicts(results: string): string {
  const verdict = new RiseAndFall()
  return [...results]
    .map((result) => ({ true: 'h', false: 'u', undefined: '.' })[`${verdict.take(result === '+')}`])
    .join('')
}

it.each([
  ['+', 'h'],
  ['-', 'u'],
  ['+---', 'h..u'],
  ['+--+---', 'h.....u'],
  ['-++', 'u.h'],
  ['-+-+-++', 'u.....h'],
  ['+---++---', 'h..u.h..u'],
])('%s gives %s', (results, expected) => {
  expect(verdicts(results)).toBe(expected)
})
