import type { Row } from './board.js'
import { bytes, count, millis, plural } from './format.js'
import type { EndpointReport } from './report.js'

/** A name and what belongs to it. */
export type Fact = readonly [name: string, value: string]

/** What there is to know of one endpoint besides its row. */
export function factsOf({ details, weight, zone }: Row): Fact[] {
  if (details.from === 'proxy') return reportFacts(details.report)
  const { id, role, state, lease, meta } = details
  return [
    ['id', id],
    ['registry', [`weight ${weight}`, state, role, ...(zone === '' ? [] : [`zone ${zone}`])].join(' · ')],
    ['lease', lease === '' ? 'none: stays until it is taken out' : lease],
    ...metaFacts(meta),
  ]
}

function reportFacts(report: EndpointReport): Fact[] {
  const { id, weight, effectiveWeight, zone, state, role, health, healthReason, meta } = report
  const { requests, connections } = report
  const isHttp = requests.total > 0
  return [
    ['id', id],
    [
      'registry',
      [
        `weight ${weight}`,
        ...(effectiveWeight === weight ? [] : [`in effect ${short(effectiveWeight)}`]),
        state,
        role,
        ...(zone === '' ? [] : [`zone ${zone}`]),
      ].join(' · '),
    ],
    [
      'health',
      [
        health,
        ...(healthReason === '' ? [] : [healthReason]),
        `ejected ${count(report.ejections)}×`,
        ...(report.faultyWorkers > 1 ? [`in ${report.faultyWorkers} workers`] : []),
      ].join(' · '),
    ],
    ['picks', count(report.picks)],
    ...(isHttp ? [['requests', tally(requests, 'under way')] as const] : []),
    ['connections', tally(connections, 'open')],
    ['bytes', `${bytes(report.bytesSent)} to it · ${bytes(report.bytesReceived)} from it`],
    ...(report.ewmaMs === null ? [] : [['ewma', `${millis(report.ewmaMs)} ms`] as const]),
    ...metaFacts(meta),
  ]
}

function tally({ total, active, failed }: EndpointReport['requests'], doing: string): string {
  return `${plural(total, 'in all', 'in all')} · ${count(active)} ${doing} · ${count(failed)} failed`
}

function metaFacts(meta: readonly (readonly [string, string])[]): Fact[] {
  return meta.length === 0 ? [] : [['meta', meta.map(([key, value]) => `${key}=${value}`).join(' ')]]
}

function short(weight: number): string {
  return Number.isInteger(weight) ? String(weight) : weight.toFixed(2)
}
