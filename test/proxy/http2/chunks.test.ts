import { describe, expect, it } from 'vitest'
import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import { Http2ClientConnection } from '../../../src/core/proxy/http2/client-connection.js'
import { Http2ServerConnection } from '../../../src/core/proxy/http2/server-connection.js'
import { FakeWire } from '../../support/fake-wire.js'
import {
  continuation,
  data,
  Flag,
  frame,
  goAway,
  headers,
  ping,
  PREFACE,
  priority,
  reset,
  settings,
  SETTINGS_ACK,
  Type,
  windowUpdate,
} from '../../support/raw-http2.js'
import { manualEnvironment } from '../../support/http-environment.js'
import { seededRandom } from '../../support/seeded-random.js'
import { field, pattern, Recorder, request, response } from './support.js'

const REQUEST = encodeFields([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/some/where'],
  [':authority', 'test'],
])
const RESPONSE = encodeFields([
  [':status', '200'],
  ['x-what', 'ever'],
])
const TRAILERS = encodeFields([['grpc-status', '3']])

function padded(type: number, flags: number, id: number, payload: Buffer): Buffer {
  return frame(type, flags | Flag.PADDED, id, Buffer.concat([Buffer.of(7), payload, Buffer.alloc(7)]))
}

/** What every kind of frame looks like in order, with bodies on two streams. */
function conversation(block: Buffer): Buffer[] {
  return [
    settings([4, 70_000], [3, 50], [0xff, 1]),
    SETTINGS_ACK,
    headers(1, block, Flag.END_HEADERS),
    data(1, pattern(3000)),
    priority(5, 3),
    padded(Type.HEADERS, 0, 3, block.subarray(0, 4)),
    continuation(3, block.subarray(4, 9), 0),
    continuation(3, block.subarray(9)),
    padded(Type.DATA, 0, 3, pattern(500, 3)),
    ping(),
    frame(0xbe, 0xff, 9, Buffer.alloc(30)),
    windowUpdate(0, 1000),
    data(3, pattern(700, 5)),
    windowUpdate(1, 1000),
    data(1, ''),
    data(1, pattern(2000, 9)),
    padded(Type.DATA, Flag.END_STREAM, 1, pattern(10)),
    headers(3, TRAILERS),
  ]
}

/** A connection of either role whose peer is the test; `heard` is all it makes of what it is sent. */
function serve() {
  const wire = new FakeWire()
  const heard: (string | Recorder)[] = []
  const connection = new Http2ServerConnection(
    wire,
    manualEnvironment(),
    { trusted: true },
    {
      onRequest(stream, head, end) {
        heard.push(`${field(head, ':path')} ${end}`)
        const recorder = new Recorder()
        recorder.stream = stream
        heard.push(recorder)
        stream.allow(65_535, 0)
        stream.sendHead(response(), NO_FIELDS, false)
        return recorder
      },
      onFault: (reason) => void heard.push(reason),
      onClosed: () => void heard.push('closed'),
    },
  )
  return { wire, connection, heard, input: [PREFACE, ...conversation(REQUEST)] }
}

function call() {
  const wire = new FakeWire()
  const heard: (string | Recorder)[] = []
  const environment = manualEnvironment()
  const connection = new Http2ClientConnection(wire, environment, {
    onMismatch() {},
    onAvailability() {},
    onClosed: (error) => void heard.push(`closed ${error?.message}`),
  })
  for (let i = 0; i < 2; i++) {
    const recorder = new Recorder()
    heard.push(recorder)
    recorder.stream = connection.open(request(), NO_FIELDS, i === 0, recorder)
    recorder.stream.allow(65_535, 0)
  }
  return { wire, connection, heard, input: conversation(RESPONSE) }
}

/** All that happened, in a form that does not depend on how bodies came in pieces. */
function outcome({ wire, connection, heard }: ReturnType<typeof serve> | ReturnType<typeof call>): string {
  connection.output.flush()
  const told = heard.map((one) => (typeof one === 'string' ? one : `${one.events.join()} ${one.body.toString('hex')}`))
  return JSON.stringify([told, wire.ended, Buffer.concat(wire.written.splice(0)).toString('hex')])
}

describe.each([
  ['server', serve],
  ['client', call],
])('a %s connection', (role, make) => {
  it('makes the same of its input however it is cut', () => {
    const whole = make()
    const input = Buffer.concat(whole.input)
    whole.wire.receive(input)
    const expected = outcome(whole)
    expect(whole.heard.filter((one) => one instanceof Recorder).map(({ events }) => events.at(-1))).toEqual([
      'end',
      'trailers 3',
    ])
    const random = seededRandom(7)
    for (let round = 0; round < 400; round++) {
      const cut = make()
      const longest = 1 + Math.floor(random.next() ** 4 * 4000)
      for (let at = 0; at < input.length;) {
        const next = Math.min(input.length, at + 1 + Math.floor(random.next() * longest))
        cut.wire.receive(input.subarray(at, next))
        at = next
      }
      expect(outcome(cut)).toBe(expected)
    }
  })

  it('survives any input: it never throws, and is over once it has said GOAWAY', () => {
    const random = seededRandom(role === 'server' ? 11 : 12)
    let faults = 0
    for (let round = 0; round < 3000; round++) {
      const victim = make()
      const frames = [...victim.input, reset(1), goAway(3)]
      const at = Math.floor(random.next() * frames.length)
      const mutant = Buffer.from(frames[at]!)
      const action = random.next()
      if (action < 0.6)
        mutant[Math.floor(random.next() * Math.min(14, mutant.length))] = Math.floor(random.next() * 256)
      else if (action < 0.8) frames.splice(at, 0, frames[Math.floor(random.next() * frames.length)]!)
      else frames.splice(at, 1)
      if (action < 0.6) frames[at] = mutant
      victim.wire.receive(Buffer.concat(frames))
      if (victim.wire.ended && victim.wire.gone === undefined) faults++
      victim.connection.abort()
      victim.wire.receiver.onClose()
      for (const one of victim.heard) if (one instanceof Recorder) one.stream.sendData(pattern(10), 0, 10, true)
      expect(victim.connection.active).toBe(0)
      expect(victim.heard.filter((one) => typeof one === 'string' && one.startsWith('closed'))).toHaveLength(1)
    }
    expect(faults).toBeGreaterThan(500)
  })
})
