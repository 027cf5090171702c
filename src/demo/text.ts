import type { DemoEvent, DemoView } from './state.js'

/** An event as one line: `  3.2s  joined    127.0.0.1:40001 weight 2`. */
export function eventLine({ atMs, kind, text }: DemoEvent): string {
  return `${seconds(atMs)}  ${kind.padEnd(8)}  ${text}`
}

/** The distribution of the last two seconds as one line. */
export function distributionLine(view: DemoView): string {
  const shares = view.endpoints.map((endpoint) => `×${endpoint.weight} ${percent(endpoint.recent.share)}`)
  return `${seconds(view.elapsedMs)}  ${`${Math.round(view.rate)}/s`.padEnd(8)}  ${shares.join('   ')}`
}

/** The very last line; scripts read it. */
export function closingLine(view: DemoView): string {
  return `${view.requests} requests, ${view.failed} failed`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

/** With thousands separated: `12,345`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`.padStart(6)
}
