import type { Board, Section, SectionTraffic, SourceStatus, Tone, Trend } from './board.js'
import { age, millis, orDash, percentage, plural, short } from './format.js'

export interface Phrase {
  readonly text: string
  readonly tone: Tone | 'neutral'
}

/** What is looked at. */
export function subjectOf(sections: readonly Section[], { sources }: Board): string {
  const [only] = sections
  if (only === undefined) return sources.map(({ name }) => name).join('  ')
  if (sections.length === 1) return [only.service, only.listen, only.policy].filter((part) => part !== '').join('  ')
  const services = plural(new Set(sections.map(({ service }) => service)).size, 'service')
  const behind = sections.filter(({ listen }) => listen !== '').length
  return behind === 0 ? services : `${services} behind ${plural(behind, 'listener')}`
}

/** The worst that is known: a proxy that does not answer, a registry that is away; else that all is well. */
export function registryPhrase(sections: readonly Section[], sources: readonly SourceStatus[]): Phrase {
  const away = sources.find(({ state }) => state === 'away')
  if (away) return { text: `${away.name} does not answer`, tone: 'bad' }
  if (sections.length === 0) return { text: sources.length > 0 ? 'connecting' : 'starting', tone: 'warming' }
  const stale = sections.find(({ registry }) => registry === 'stale')
  if (stale) return { text: `registry stale ${age(stale.staleMs)}${revision(stale)}`, tone: 'bad' }
  const unheard = sections.some(({ registry }) => registry === 'unknown')
  if (unheard) return { text: 'registry not heard of yet', tone: 'warming' }
  const live = sections.filter(({ registry }) => registry === 'live')
  if (live.length === 0) return { text: 'fixed list', tone: 'neutral' }
  return { text: `registry live${live.length === 1 ? revision(live[0]!) : ''}`, tone: 'good' }
}

function revision({ revision }: Section): string {
  return revision === '' ? '' : ` r${revision}`
}

/** How traffic goes, and of one listener its recent past. Percentiles of several do not add up: the worst are named. */
export function trafficLine(sections: readonly Section[]): { readonly text: string; readonly trend: Trend } {
  const traffics = sections.flatMap(({ traffic }) => (traffic ? [traffic] : []))
  const [only] = traffics
  if (only === undefined) return { text: sections.length > 0 ? 'seen in the registry, without a proxy' : '', trend: [] }
  if (traffics.length === 1) {
    const { p50Ms, p95Ms, p99Ms } = only
    return {
      text: `${rate(traffics)}  ok ${ok(only.success)}  p50 ${ms(p50Ms)}  p95 ${ms(p95Ms)}  p99 ${ms(p99Ms)} ms  ${flight(traffics)}`,
      trend: only.rateTrend,
    }
  }
  const worst = (values: readonly (number | null)[]) =>
    values.reduce((most, value) => (value !== null && (most === null || value > most) ? value : most), null)
  const leastOk = worst(traffics.map(({ success }) => (success === null ? null : -success)))
  const p99 = worst(traffics.map(({ p99Ms }) => p99Ms))
  return {
    text: `${rate(traffics)}  ${flight(traffics)}  worst ok ${ok(leastOk === null ? null : -leastOk)}  worst p99 ${ms(p99)} ms`,
    trend: [],
  }
}

function rate(traffics: readonly SectionTraffic[]): string {
  return `${short(traffics.reduce((sum, traffic) => sum + traffic.rate, 0))}/s`
}

function flight(traffics: readonly SectionTraffic[]): string {
  return `${short(traffics.reduce((sum, traffic) => sum + traffic.inFlight, 0))} in flight`
}

function ok(success: number | null): string {
  return orDash(success, (part) => `${percentage(part, 2)}%`)
}

function ms(value: number | null): string {
  return orDash(value, millis)
}

/** How far the traffic is from where the policy wants it, and who is out. */
export function outlook(sections: readonly Section[]): string[] {
  const [only] = sections
  if (only === undefined) return []
  const total = sections.reduce((sum, section) => sum + section.total, 0)
  const eligible = sections.reduce((sum, section) => sum + section.eligible, 0)
  const retries = sections.reduce((sum, { traffic }) => sum + (traffic?.retries ?? 0), 0)
  return [
    ...(sections.length === 1 && only.traffic ? [`${percentage(only.traffic.spread)}% off expected`] : []),
    total === 0 ? 'nothing registered' : `${eligible === total ? 'all' : `${eligible} of`} ${total} in rotation`,
    ...(retries > 0 ? [plural(retries, 'retry', 'retries')] : []),
  ]
}
