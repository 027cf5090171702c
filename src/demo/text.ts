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

/** How far it has come, and how it goes, for the head of a live view. */
export function progress({ loadMs, durationMs, requests, failed }: DemoView): string {
  const of = (ms: number) => `${Math.floor(ms / 1000)}s`
  return `${of(loadMs)} of ${of(durationMs)} · ${requests.toLocaleString('en-US')} requests, ${failed} failed`
}

/** The very last line; scripts read it. */
export function closingLine(view: DemoView): string {
  return `${view.requests} requests, ${view.failed} failed`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`.padStart(6)
}
