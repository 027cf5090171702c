import { FairleadError } from '../core/errors.js'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/
const PART = /(\d+(?:\.\d+)?)(ms|[smhd])/g

/** Reads `500ms`, `10s`, `1m30s`, `2h` or `0` as milliseconds. Throws INVALID_ARGUMENT. */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  if (!WHOLE.test(text)) {
    throw new FairleadError('INVALID_ARGUMENT', `bad duration ${JSON.stringify(text)}`, {
      hint: 'write a number and a unit (ms, s, m, h), for example 500ms, 10s or 2m',
    })
  }
  let total = 0
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * UNITS[unit!]!
  if (total > Number.MAX_SAFE_INTEGER) {
    throw new FairleadError('INVALID_ARGUMENT', `duration ${text} is too long`)
  }
  return total
}

/** The shortest text parseDuration reads back as `ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    const size = UNITS[unit]!
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return ms === 0 ? '0' : ms > 1000 ? `${ms / 1000}s` : `${ms}ms`
}
