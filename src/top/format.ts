const UNITS = ['', 'k', 'M', 'G', 'T']

/** A count or rate in at most five characters: `0.4`, `812`, `4107`, `12.3k`, `123k`, `1.2M`. */
export function short(value: number): string {
  if (value > 0 && value < 9.95) return value < 0.05 ? '0' : trimmed(value)
  if (value < 9_999.5) return String(Math.round(value))
  let unit = 0
  let scaled = value
  while (scaled >= 999.5 && unit < UNITS.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${scaled < 99.95 ? scaled.toFixed(1) : Math.round(scaled)}${UNITS[unit]}`
}

/** With thousands separated: `12,345`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A part of one as a percentage, never rounded up to the whole: `99.9` for 0.9999. */
export function percentage(part: number, digits = 1): string {
  const factor = 10 ** digits
  const value = Math.round(part * 100 * factor) / factor
  if (value >= 100 && part < 1) return (100 - 1 / factor).toFixed(digits)
  return value >= 100 ? '100' : value.toFixed(digits)
}

/** Milliseconds in at most four characters: `0.42`, `2.3`, `120`, `1.2s`, `12s`. */
export function millis(ms: number): string {
  if (ms < 0.995) return ms.toFixed(2)
  if (ms < 9.95) return ms.toFixed(1)
  if (ms < 999.5) return String(Math.round(ms))
  return ms < 9_950 ? `${(ms / 1000).toFixed(1)}s` : `${Math.min(999, Math.round(ms / 1000))}s`
}

/** How long something has lasted: `0s`, `21s`, `5m`, `3h`, `12d`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

export function bytes(value: number): string {
  const text = short(value)
  const [unit = ''] = /[kMGT]$/.exec(text) ?? []
  return `${text.slice(0, text.length - unit.length)} ${unit}B`
}

/** The time of day here: `12:03:41`. */
export function timeOfDay(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':')
}

/** What `text` makes of a value, and a dash where there is none. */
export function orDash(value: number | null | undefined, text: (value: number) => string): string {
  return value === null || value === undefined ? '–' : text(value)
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}
