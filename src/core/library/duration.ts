import { FairleadError } from '../errors.js'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/
const PART = /(\d+(?:\.\d+)?)(ms|[smhd])/g

/**
 * Reads `500ms`, `10s`, `1m30s`, `2h` or `0` as milliseconds. `what` is where the text comes from, a flag say. Throws
 * INVALID_ARGUMENT naming it.
 */
export function parseDuration(text: string, what = 'duration'): number {
  if (text === '0') return 0
  if (!WHOLE.test(text)) {
    throw new FairleadError('INVALID_ARGUMENT', `bad ${what} ${JSON.stringify(text)}`, {
      hint: 'write a number and a unit (ms, s, m, h), for example 500ms, 10s or 2m',
    })
  }
  let total = 0
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * UNITS[unit!]!
  if (total > Number.MAX_SAFE_INTEGER) {
    throw new FairleadError('INVALID_ARGUMENT', `bad ${what} ${JSON.stringify(text)}: too long`)
  }
  return total
}
