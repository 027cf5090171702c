import type { EventLine } from './board.js'
import { Fields } from './fields.js'
import { plural } from './format.js'

type Told = Pick<EventLine, 'word' | 'tone' | 'subject' | 'text'>

/**
 * A line of GET /events as a line for people; undefined for what the table shows anyway. Several listeners, or proxies, tell of the same
 * thing within a moment: that is one line, by its key. Throws INVALID_ARGUMENT where it is no event.
 */
export function readEvent(json: unknown): EventLine | undefined {
  const fields = new Fields(json)
  const told = tell(fields)
  if (!told) return undefined
  const time = Date.parse(fields.text('time'))
  const at = Number.isNaN(time) ? 0 : time
  return { key: [Math.floor(at / 1000), told.word, told.subject, told.text].join(' '), at, ...told }
}

function tell(fields: Fields): Told | undefined {
  const word = fields.text('event')
  const text = (name: string) => fields.optionalText(name)
  const number = (name: string) => fields.optionalNumber(name) ?? 0
  switch (word) {
    case 'endpoints':
      return undefined
    case 'listening':
      return { word, tone: 'neutral', subject: text('service'), text: `${text('listen')} · ${text('policy')}` }
    case 'joined':
      return { word, tone: 'good', subject: text('address'), text: place(fields) }
    case 'left':
      return { word, tone: 'resting', subject: text('address'), text: `from ${text('service')}` }
    case 'changed':
      return { word, tone: 'neutral', subject: text('address'), text: change(fields) }
    case 'health': {
      const health = text('health')
      const isHealthy = health === 'healthy'
      const why = isHealthy ? `takes traffic for ${text('service')} again` : text('reason')
      return { word: health, tone: isHealthy ? 'good' : 'bad', subject: text('address'), text: why }
    }
    case 'panic': {
      const isPanic = fields.boolean('panic')
      const why = isPanic ? 'too few are healthy, all are used' : 'over: enough are healthy'
      return { word, tone: isPanic ? 'bad' : 'good', subject: text('service'), text: why }
    }
    case 'stale':
      return { word, tone: 'bad', subject: text('service'), text: `goes on with what was known: ${text('reason')}` }
    case 'live':
      return { word, tone: 'good', subject: text('service'), text: 'the registry is there again' }
    case 'connection_error': {
      const times = number('count') > 1 ? ` (${number('count')} times)` : ''
      const subject = text('address') || text('listen')
      return {
        word: 'error',
        tone: 'bad',
        subject,
        text: `${text('kind').replaceAll('_', ' ')}: ${text('reason')}${times}`,
      }
    }
    case 'worker_exited':
      return { word: 'worker', tone: 'bad', subject: `worker ${number('worker')}`, text: `ended: ${text('reason')}` }
    case 'worker_started':
      return { word: 'worker', tone: 'good', subject: `worker ${number('worker')}`, text: 'started' }
    case 'reloaded':
      return { word, tone: 'good', subject: 'configuration', text: plural(number('listeners'), 'listener') }
    case 'reload_failed':
      return { word: 'refused', tone: 'bad', subject: 'configuration', text: text('reason') }
    case 'certificates':
      return { word, tone: 'good', subject: 'TLS', text: 'changed files are in use' }
    case 'certificates_refused':
      return { word: 'refused', tone: 'bad', subject: 'certificates', text: text('reason') }
    case 'draining':
      return { word, tone: 'resting', subject: 'proxy', text: plural(number('connections'), 'connection') + ' open' }
    case 'stopped':
      return { word, tone: 'resting', subject: 'proxy', text: '' }
    case 'lost':
      return { word, tone: 'resting', subject: 'events', text: `${plural(number('count'), 'event')} left out` }
    default:
      return { word, tone: 'neutral', subject: text('address') || text('service'), text: text('reason') }
  }
}

function place(fields: Fields): string {
  const zone = fields.optionalText('zone')
  return [
    `${fields.optionalText('service')}, weight ${fields.optionalNumber('weight') ?? 1}`,
    ...(zone ? [`zone ${zone}`] : []),
  ].join(', ')
}

function change(fields: Fields): string {
  const before = fields.object('before')
  const parts = [
    [before.number('weight'), fields.number('weight'), 'weight '] as const,
    [before.text('state'), fields.text('state'), ''] as const,
  ]
  const changes = parts.filter(([was, is]) => was !== is).map(([was, is, name]) => `${name}${was} -> ${is}`)
  return [fields.optionalText('service'), ...(changes.length > 0 ? [changes.join(', ')] : [])].join(': ')
}
