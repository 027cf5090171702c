import type { DemoEvent, DemoView, EndpointView } from './state.js'

const ADDRESS_WIDTH = 21

/** An event as one line: `  3.2s  joined    127.0.0.1:40001 weight 2`. */
export function eventLine({ atMs, kind, text }: DemoEvent): string {
  return `${seconds(atMs)}  ${kind.padEnd(8)}  ${text}`
}

/** The distribution of the last two seconds as one line. */
export function distributionLine(view: DemoView): string {
  const shares = view.endpoints.map((endpoint) => `×${endpoint.weight} ${percent(endpoint.recent.share)}`)
  return `${seconds(view.elapsedMs)}  ${`${Math.round(view.rate)}/s`.padEnd(8)}  ${shares.join('   ')}`
}

/** The last table: requests per endpoint over the whole demo. */
export function summaryLines(view: DemoView): string[] {
  return [
    row('ENDPOINT', 'WEIGHT', 'REQUESTS', 'SHARE', 'EXPECTED'),
    ...view.endpoints.map((endpoint) => summaryRow(endpoint)),
  ]
}

function summaryRow({ address, weight, total }: EndpointView): string {
  return row(address, String(weight), count(total.requests), percent(total.share), percent(total.expected))
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

function row(address: string, ...figures: readonly string[]): string {
  return address.padEnd(ADDRESS_WIDTH) + figures.map((figure) => figure.padStart(10)).join('')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`.padStart(6)
}
