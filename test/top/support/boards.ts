import type { AdminState } from '../../../src/core/admin/proxy/state.js'
import type { Board, EventLine, Section, SourceStatus } from '../../../src/top/board.js'
import { proxySections } from '../../../src/top/proxy-sections.js'
import { readState } from '../../../src/top/report.js'
import { TrendBook } from '../../../src/top/trends.js'
import { adminState, busyListener, NOW } from './states.js'

export const SOURCE: SourceStatus = { name: 'proxy-4711-50051', state: 'live', reason: '' }

export function sectionsOf(state: AdminState, source = SOURCE): Section[] {
  return proxySections(source, readState(JSON.parse(JSON.stringify(state))), new TrendBook(), 0)
}

export function eventLine(changes: Partial<EventLine> = {}): EventLine {
  const event: EventLine = {
    key: '',
    at: NOW,
    word: 'joined',
    tone: 'good',
    subject: '10.0.0.7:8080',
    text: 'greeter, weight 1, zone a',
    ...changes,
  }
  return { ...event, key: `${event.at} ${event.word} ${event.subject} ${event.text}` }
}

export function boardOf(sections: readonly Section[], changes: Partial<Board> = {}): Board {
  return { sources: [SOURCE], sections, events: [], banner: '', ...changes }
}

/** One listener with four endpoints. */
export const ONE = boardOf(sectionsOf(adminState([busyListener()])), {
  events: Array.from({ length: 40 }, (_, i) => eventLine({ at: NOW + i * 1000, text: `event number ${i}` })),
})

/** Two listeners of one proxy. */
export const TWO = boardOf(
  sectionsOf(adminState([busyListener(), busyListener({ listen: 'http://127.0.0.1:8080', service: 'web' })])),
)
