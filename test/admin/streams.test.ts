import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { AdminEvent } from '../../src/core/admin/events.js'
import type { HealthEvent } from '../../src/core/proxy/events.js'
import { cleanUp, cleanup } from '../proxy/support.js'
import { eventually } from '../support/eventually.js'
import { endpointReading, listenerReading } from '../support/readings.js'
import { ask, startTestAdmin, type TestAdmin } from './support.js'

afterEach(cleanUp)

/** Begins to read events; what is read so far is in `events`. */
async function follow(port: number, query = '') {
  const request = get({ host: '127.0.0.1', port, path: `/events${query}`, agent: false })
  cleanup(() => request.destroy())
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  response.on('error', () => {})
  const read = () => response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return {
    response,
    read,
    get events() {
      const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
      return lines.filter(Boolean).map((line) => JSON.parse(line) as AdminEvent)
    },
  }
}

const health = (reason: string): HealthEvent => ({
  event: 'health',
  listen: 'tcp://127.0.0.1:1',
  service: 'web',
  address: '10.0.0.1:80',
  health: 'ejected',
  reason,
})
const emit = ({ source }: TestAdmin, ...reasons: string[]) => {
  for (const reason of reasons) source.emit(health(reason))
}

describe('the stream of events', () => {
  it('begins with what has happened, and goes on with each event as it happens', async () => {
    const started = await startTestAdmin()
    emit(started, 'a', 'b')
    const reader = await follow(started.port)
    expect(reader.response.headers).toMatchObject({ 'content-type': 'application/x-ndjson' })
    reader.read()
    await eventually(() => reader.events.length === 2)
    emit(started, 'c')
    await eventually(() => reader.events.length === 3)
    expect(reader.events[2]).toEqual({ schemaVersion: 1, seq: 3, time: expect.any(String), ...health('c') })
  })

  it.each([
    ['?recent=0', 0],
    ['?recent=1', 1],
    ['?recent=999', 2],
  ])('begins with as much of the past as is asked for: %s', async (query, count) => {
    const started = await startTestAdmin()
    emit(started, 'a', 'b')
    const reader = await follow(started.port, query)
    reader.read()
    emit(started, 'c')
    await eventually(() => reader.events.length === count + 1)
  })

  it('refuses a past that is no number', async () => {
    const { port } = await startTestAdmin()
    for (const query of ['?recent=', '?recent=-1', '?recent=many']) {
      expect(await ask(port, `/events${query}`)).toMatchObject({ status: 400 })
    }
  })

  it('tells of endpoints that join and leave', async () => {
    const started = await startTestAdmin()
    const { source, port } = started
    const reader = await follow(port)
    reader.read()
    await ask(port, '/state')
    source.listeners = [listenerReading([endpointReading('10.0.0.2:80')])]
    source.emit({ event: 'endpoints', listen: 'l', service: 'web', policy: 'random', ready: 1, endpoints: 1 })
    await eventually(() => reader.events.length === 3)
    const told = reader.events.map((event) => [event.event, 'address' in event && event.address])
    expect(told).toEqual([
      ['endpoints', false],
      ['joined', '10.0.0.2:80'],
      ['left', '10.0.0.1:80'],
    ])
  })

  it('leaves out what a reader does not take, holding a bounded part of it, and says how much that was', async () => {
    const started = await startTestAdmin()
    const reader = await follow(started.port)
    const filler = 'x'.repeat(10_000)
    const count = 3000
    for (let i = 0; i < count; i += 50) {
      emit(started, ...Array<string>(50).fill(filler))
      await new Promise((resolve) => setImmediate(resolve))
    }
    reader.read()
    await eventually(() => reader.events.at(-1)?.event === 'lost')
    const lost = reader.events.at(-1)!
    expect(lost).toMatchObject({ seq: count })
    const { length } = reader.events
    expect(length - 1 + (lost.event === 'lost' ? lost.count : 0)).toBe(count)
    expect(length).toBeLessThan(count)
    emit(started, 'after')
    await eventually(() => reader.events.at(-1)?.event === 'health')
    expect(reader.events.at(-1)).toMatchObject({ seq: count + 1, reason: 'after' })
  })

  it('is for so many at a time, and for others as these leave', async () => {
    const started = await startTestAdmin()
    const readers = []
    for (let i = 0; i < 32; i++) readers.push(await follow(started.port))
    expect(await ask(started.port, '/events')).toMatchObject({ status: 503, json: { error: { code: 'UNAVAILABLE' } } })
    readers[0]!.response.destroy()
    await eventually(async () => (await follow(started.port)).response.statusCode === 200)
  })

  it('ends in good order with the process', async () => {
    const { port, admin } = await startTestAdmin()
    const reader = await follow(port)
    reader.read()
    const ended = once(reader.response, 'end')
    await admin.close()
    await ended
  })
})
