import { describe, expect, it } from 'vitest'
import { outlook, registryPhrase, subjectOf, trafficLine } from '../../src/top/headline.js'
import { summaryLines } from '../../src/top/summary.js'
import { boardOf, ONE, sectionsOf, SOURCE, TWO } from './support/boards.js'
import { adminState, busyListener, listenerView } from './support/states.js'

const of = (changes: Parameters<typeof busyListener>[0]) => sectionsOf(adminState([busyListener(changes)]))

describe('the headline', () => {
  it('names the one that is shown, or counts', () => {
    expect(subjectOf(ONE.sections, ONE)).toBe('greeter  grpc://127.0.0.1:50051  least_request')
    expect(subjectOf(TWO.sections, TWO)).toBe('2 services behind 2 listeners')
    expect(subjectOf([], boardOf([]))).toBe(SOURCE.name)
  })

  it('says the worst of the registry', () => {
    const stale = { state: 'stale' as const, revision: '41', changedAt: null, staleMs: 90_000, reason: 'x' }
    const unknown = { state: 'unknown' as const, revision: null, changedAt: null, staleMs: 0, reason: null }
    const away = { ...SOURCE, state: 'away' as const, reason: 'x' }
    expect(registryPhrase(ONE.sections, [SOURCE])).toEqual({ text: 'registry live r42', tone: 'good' })
    expect(registryPhrase(TWO.sections, [SOURCE])).toEqual({ text: 'registry live', tone: 'good' })
    expect(registryPhrase([...ONE.sections, ...of({ registry: stale })], [SOURCE])).toEqual({
      text: 'registry stale 1m r41',
      tone: 'bad',
    })
    expect(registryPhrase(of({ registry: unknown }), [SOURCE]).tone).toBe('warming')
    expect(registryPhrase(of({ source: 'static' }), [SOURCE])).toEqual({ text: 'fixed list', tone: 'neutral' })
    expect(registryPhrase(ONE.sections, [SOURCE, away]).text).toBe('proxy-4711-50051 does not answer')
    expect(registryPhrase([], []).text).toBe('starting')
  })

  it('sums what adds up and names the worst of what does not', () => {
    expect(trafficLine(ONE.sections).text).toBe('8214/s  ok 99.98%  p50 0.40  p95 1.1  p99 2.3 ms  31 in flight')
    const two = [...ONE.sections, ...of({ successRate: 0.5, p99Ms: 1, ratePerSecond: 1000, inFlight: 1 })]
    expect(trafficLine(two).text).toBe('9214/s  32 in flight  worst ok 50.00%  worst p99 2.3 ms')
    const idle = { successRate: null, p50Ms: null, p95Ms: null, p99Ms: null, ratePerSecond: 0, inFlight: 0 }
    expect(trafficLine(of(idle)).text).toBe('0/s  ok –  p50 –  p95 –  p99 – ms  0 in flight')
    expect(trafficLine([]).text).toBe('')
  })

  it('tells how far off the traffic is, and who is out', () => {
    expect(outlook(ONE.sections)).toEqual(['0.1% off expected', '3 of 4 in rotation'])
    expect(outlook(of({ retries: 12 })).at(-1)).toBe('12 retries')
    expect(outlook(sectionsOf(adminState([listenerView()])))).toContain('nothing registered')
    const [section] = ONE.sections
    expect(outlook([{ ...section!, eligible: 4 }]).at(-1)).toBe('all 4 in rotation')
  })
})

describe('summaryLines', () => {
  it('is a line for each service, and not too many', () => {
    expect(summaryLines(ONE)).toEqual([
      'greeter grpc://127.0.0.1:50051  3 of 4 in rotation  8214/s  ok 99.98%  p99 2.3 ms',
    ])
    expect(summaryLines(boardOf([]))).toEqual([])
    const many = boardOf(Array.from({ length: 13 }, () => ONE.sections[0]!))
    expect(summaryLines(many)).toHaveLength(11)
    expect(summaryLines(many).at(-1)).toBe('and 3 more')
  })
})
