import type { Section } from '../../top/board.js'

/** What a column shows. In the order that they stand in. */
const COLUMN_KEYS = [
  'address',
  'zone',
  'weight',
  'bar',
  'share',
  'rate',
  'trend',
  'ok',
  'p50',
  'p95',
  'p99',
  'latency',
  'check',
  'flight',
  'status',
] as const
export type ColumnKey = (typeof COLUMN_KEYS)[number]

/** How many columns of the terminal each takes that is shown. Between two of them is a blank. */
export type Columns = ReadonlyMap<ColumnKey, number>

export interface Widest {
  readonly address: number
  readonly zone: number
  readonly weight: number
  readonly flight: number
}

type Step = readonly [key: ColumnKey, width: number]

/** The mark in front of the selected line. */
export const MARK_WIDTH = 1

/**
 * What is shown in `width` columns: the more there is, the more of it, in an order of what is missed most. `hasTraffic`: whether a
 * proxy tells what goes where; without one there are checks.
 */
export function columnsFor(width: number, hasTraffic: boolean, widest: Widest): Columns {
  const address = (most: number): Step => ['address', Math.min(most, Math.max(widest.address, 8))]
  const zone: Step = ['zone', Math.min(16, Math.max(4, widest.zone))]
  const zones = widest.zone > 0 ? [zone] : []
  const steps = hasTraffic ? trafficSteps(widest, address, zones) : checkSteps(widest, address, zones)
  const chosen = new Map<ColumnKey, number>()
  // No blank stands before the first.
  let left = width - MARK_WIDTH + 1
  for (const [key, wanted] of steps) {
    const before = chosen.get(key)
    const cost = wanted - (before ?? -1)
    if (cost > left || wanted <= (before ?? 0)) continue
    left -= cost
    chosen.set(key, wanted)
  }
  // What is left is for the reasons.
  const status = chosen.get('status')
  if (status !== undefined) chosen.set('status', status + left)
  return new Map(COLUMN_KEYS.filter((key) => chosen.has(key)).map((key) => [key, chosen.get(key)!]))
}

type AddressStep = (most: number) => Step

/** First what must be there, up to what fits 80 columns with addresses of IPv4; then more, and more of it. */
function trafficSteps({ weight, flight }: Widest, address: AddressStep, zones: readonly Step[]): readonly Step[] {
  return [
    ...stepsOf(address(15), ['share', 6], ['status', 9], ['rate', 5], ['bar', 6], ['weight', weight]),
    ...stepsOf(['status', 11], ['ok', 4], ['p99', 4], ['trend', 6], ['flight', flight], ['bar', 10], address(21)),
    ...stepsOf(['trend', 8], ['bar', 13], ['status', 14], ['p50', 4], ['p95', 4], ['bar', 16], ...zones),
    ...stepsOf(['latency', 9], address(28), ['bar', 24], ['status', 24], ['trend', 12], ['latency', 12]),
    ...stepsOf(address(47), ['status', 32], ['trend', 20], ['latency', 20], ['bar', 40]),
  ]
}

function checkSteps({ weight }: Widest, address: AddressStep, zones: readonly Step[]): readonly Step[] {
  return [
    ...stepsOf(address(15), ['status', 9], ['weight', weight], ['check', 5], ['share', 6], ['status', 13]),
    ...stepsOf(['bar', 12], ['latency', 8], address(21), ...zones, ['latency', 12], ['bar', 20], ['status', 24]),
    ...stepsOf(address(47), ['latency', 24], ['status', 48], ['bar', 40]),
  ]
}

function stepsOf(...steps: Step[]): Step[] {
  return steps
}

/** The widest of what the sections have to show. */
export function widestOf(sections: readonly Section[]): Widest {
  let [address, zone, weight, inFlight] = [8, 0, 0, 0]
  for (const { rows } of sections) {
    for (const row of rows) {
      address = Math.max(address, row.address.length)
      zone = Math.max(zone, row.zone.length)
      weight = Math.max(weight, row.weight)
      inFlight = Math.max(inFlight, row.traffic?.inFlight ?? 0)
    }
  }
  const flight = Math.min(5, Math.max(3, String(inFlight).length))
  return { address, zone, weight: Math.max(1, String(weight).length), flight }
}
