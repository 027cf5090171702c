import { describe, expect, it } from 'vitest'
import { type Head, NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import { FieldBlockWriter } from '../../../src/core/proxy/http/field-block.js'
import { nameOf } from '../../../src/core/proxy/http/names.js'
import { Http1ClientConnection } from '../../../src/core/proxy/http1/client-connection.js'
import { OUTPUT_LIMIT } from '../../../src/core/proxy/transport/output.js'
import { manualEnvironment } from '../../support/http-environment.js'
import { FakeWire, turn } from './fake-wire.js'
import { GET, makeHead, Recorded } from './recorded.js'

function connect(limits = {}) {
  const wire = new FakeWire()
  const environment = manualEnvironment(limits)
  const seen = { availability: [] as number[], closed: [] as (Error | undefined)[] }
  const connection: Http1ClientConnection = new Http1ClientConnection(wire, environment, {
    onMismatch() {},
    onAvailability: () => void seen.availability.push(connection.available),
    onClosed: (error) => void seen.closed.push(error),
  })
  return { wire, environment, connection, ...seen }
}

const pseudo = (method: string, path = '/') =>
  [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'a'],
  ] as const
const POST = makeHead(pseudo('POST'), { method: 3 })
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('an endpoint connection', () => {
  it('serves one request after the other', async () => {
    const { wire, connection, availability } = connect()
    for (let i = 1; i <= 3; i++) {
      expect(connection).toMatchObject({ protocol: 'h1', available: 1, active: 0 })
      const response = new Recorded()
      connection.open(GET, NO_FIELDS, true, response)
      expect(connection).toMatchObject({ available: 0, active: 1 })
      await turn()
      wire.receive(OK)
      expect(response).toMatchObject({ status: 200, body: 'ok', ended: true })
      expect(availability).toHaveLength(i)
    }
    expect(wire.text).toBe('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(3))
  })

  it('is deaf to a stream that is over', async () => {
    const { wire, connection } = connect()
    const first = connection.open(GET, NO_FIELDS, true, new Recorded())
    await turn()
    wire.receive(OK)
    connection.open(GET, NO_FIELDS, true, new Recorded())
    first.sendData(Buffer.from('x'), 0, 1, true)
    first.allow(0, 0)
    first.reset(0)
    await turn()
    expect(wire).toMatchObject({ state: 'open', isPaused: false })
    expect(wire.text).not.toContain('x')
  })

  it.each([
    ['no body', GET, true, ''],
    ['a POST without a body', POST, true, 'content-length: 0\r\n'],
    ['a length', makeHead(pseudo('POST'), { method: 3, contentLength: 2 }), false, 'content-length: 2\r\n'],
    ['an unknown length', POST, false, 'transfer-encoding: chunked\r\n'],
    ['trailers allowed', makeHead([...pseudo('GET'), ['te', 'trailers']]), true, 'te: trailers\r\nconnection: te\r\n'],
    [
      'an upgrade',
      Object.assign(makeHead(pseudo('GET')), { upgrade: 'x/1' }),
      false,
      'connection: upgrade\r\nupgrade: x/1\r\n',
    ],
    [
      'crumbs of cookies',
      makeHead([...pseudo('GET'), ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2']]),
      true,
      'x: y\r\ncookie: a=1; b=2\r\n',
    ],
    ['its own framing in the block', makeHead([...pseudo('GET'), ['content-length', '7']]), true, ''],
    [
      'fields of one connection',
      makeHead([
        ...pseudo('GET'),
        ['connection', 'x'],
        ['keep-alive', '1'],
        ['upgrade', 'h2c'],
        ['proxy-connection', 'y'],
        ['http2-settings', 'z'],
      ]),
      true,
      '',
    ],
  ] as [string, Head, boolean, string][])('frames a request with %s', async (_, head, end, lines) => {
    const { wire, connection } = connect()
    connection.open(head, NO_FIELDS, end, new Recorded())
    await turn()
    expect(wire.text.slice(wire.text.indexOf('\n') + 1)).toBe(`host: a\r\n${lines}\r\n`)
  })

  it('names itself in requests for nobody', async () => {
    const { wire, connection } = connect()
    connection.open(
      makeHead([
        [':method', 'GET'],
        [':path', '/'],
      ]),
      NO_FIELDS,
      true,
      new Recorded(),
    )
    await turn()
    expect(wire.text).toBe('GET / HTTP/1.1\r\nhost: 192.0.2.1:80\r\n\r\n')
  })

  it('chunks a body, and ends it with trailers', async () => {
    const { wire, connection } = connect()
    const stream = connection.open(POST, NO_FIELDS, false, new Recorded())
    stream.sendData(Buffer.alloc(300, 'a'), 10, 200, false)
    stream.sendData(Buffer.alloc(0), 0, 0, false)
    stream.sendData(Buffer.alloc(70_000, 'b'), 0, 70_000, false)
    stream.sendTrailers(makeHead([['x-sum', '1']]))
    stream.sendData(Buffer.from('late'), 0, 4, true)
    await turn()
    const body = wire.text.slice(wire.text.indexOf('\r\n\r\n') + 4)
    expect(body).toBe(`c8\r\n${'a'.repeat(200)}\r\n11170\r\n${'b'.repeat(70_000)}\r\n0\r\nx-sum: 1\r\n\r\n`)
  })

  it('waits for the end of a request that was answered early, then serves another', async () => {
    const { wire, connection, availability } = connect()
    const stream = connection.open(POST, NO_FIELDS, false, new Recorded())
    await turn()
    wire.receive(OK)
    expect(connection.available).toBe(0)
    stream.sendData(Buffer.from('x'), 0, 1, true)
    expect(connection.available).toBe(1)
    expect(availability).toEqual([1])
  })

  it('closes if that end does not come', async () => {
    const { wire, connection, environment } = connect()
    connection.open(POST, NO_FIELDS, false, new Recorded())
    await turn()
    wire.receive(OK)
    await environment.clock.advance(3000)
    expect(wire.state).toBe('closed')
  })

  it.each([
    ['bytes without a request', (wire: FakeWire) => wire.receive('HTTP/1.1 408 Request Timeout\r\n\r\n')],
    ['an end', (wire: FakeWire) => wire.receiver.onEnd()],
  ])('is of no more use after %s', async (_, happen) => {
    const { wire, connection, availability, closed } = connect()
    happen(wire)
    expect(connection.available).toBe(0)
    expect(availability).toEqual([0])
    await turn()
    expect(wire.state).toBe('closed')
    expect(closed).toEqual([undefined])
  })

  it('says that nobody acted on a request that it could not write', async () => {
    const { wire, connection } = connect()
    const response = new Recorded()
    connection.open(makeHead(pseudo('GET', '')), NO_FIELDS, true, response)
    await turn()
    expect(response).toMatchObject({ processed: 'no' })
    expect(wire.text).toBe('')
  })

  it('says that somebody may have acted on a request until the response begins', async () => {
    for (const [bytes, processed] of [
      ['', 'maybe'],
      ['H', 'yes'],
      ['HTTP/1.1 103 Early Hints\r\n\r\n', 'yes'],
    ] as const) {
      for (const end of [true, false]) {
        const { wire, connection, closed } = connect()
        const response = new Recorded()
        connection.open(GET, NO_FIELDS, true, response)
        await turn()
        wire.receive(bytes)
        if (end) wire.receiver.onEnd()
        else wire.receiver.onClose(new Error('ECONNRESET'))
        await turn()
        expect(response).toMatchObject({ processed })
        expect(closed).toHaveLength(1)
        expect(closed[0]).toBeInstanceOf(Error)
      }
    }
  })

  it('says that nobody acted on a request that had not left when the connection went', async () => {
    for (const end of [true, false]) {
      const { wire, connection } = connect()
      const first = new Recorded()
      connection.open(GET, NO_FIELDS, true, first)
      await turn()
      wire.receive('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      const second = new Recorded()
      connection.open(POST, NO_FIELDS, false, second).sendData(Buffer.from('x'), 0, 1, false)
      if (end) wire.receiver.onEnd()
      else wire.receiver.onClose(new Error('ECONNRESET'))
      await turn()
      expect(second).toMatchObject({ processed: 'no' })
    }
  })

  it('never sends more or less of a body than it announced', async () => {
    for (const [length, end] of [
      [3, false],
      [1, true],
    ] as const) {
      const { wire, connection } = connect()
      const response = new Recorded()
      const head = makeHead(pseudo('POST'), { method: 3, contentLength: 2 })
      const stream = connection.open(head, NO_FIELDS, false, response)
      await turn()
      stream.sendData(Buffer.from('abc'), 0, length, end)
      expect(response.broken).toMatch(/another length/)
      expect(wire.state).toBe('closed')
    }
  })

  it('keeps bytes for a tunnel back until there is one', async () => {
    const { wire, connection } = connect()
    const response = new Recorded()
    const head = Object.assign(makeHead(pseudo('GET')), { upgrade: 'x' })
    connection.open(head, NO_FIELDS, false, response).sendData(Buffer.from('GET /smuggled'), 0, 13, false)
    await turn()
    expect(wire.text).not.toContain('smuggled')
    expect(response.broken).toMatch(/not been switched/)
  })

  it('has no credit while its endpoint does not read, and gives up when that lasts', async () => {
    const { wire, connection, environment } = connect({ stallTimeoutMs: 10_000 })
    const response = new Recorded()
    const stream = connection.open(POST, NO_FIELDS, false, response)
    await turn()
    wire.pending = OUTPUT_LIMIT + 1
    stream.sendData(Buffer.from('x'), 0, 1, false)
    await turn()
    expect(stream).toMatchObject({ credit: 0, queued: OUTPUT_LIMIT + 1 })
    wire.drain()
    expect(response.credits).toBe(1)
    expect(stream.credit).toBe(Infinity)
    wire.pending = 10
    stream.sendData(Buffer.from('x'), 0, 1, false)
    await turn()
    await environment.clock.advance(25_000)
    expect(response).toMatchObject({ processed: 'maybe' })
    expect(response.broken).toMatch(/does not read/)
  })

  it('says that it has credit again where its endpoint took a part in between', async () => {
    const { wire, connection } = connect()
    const response = new Recorded()
    const stream = connection.open(POST, NO_FIELDS, false, response)
    for (const pending of [OUTPUT_LIMIT + 1, 1]) {
      wire.pending = pending
      stream.sendData(Buffer.from('x'), 0, 1, false)
      await turn()
    }
    wire.drain()
    expect(response.credits).toBe(1)
  })

  it('stops reading a response whose body nobody takes, but not before its head', async () => {
    const { wire, connection } = connect()
    const response = new Recorded()
    const stream = connection.open(GET, NO_FIELDS, true, response)
    await turn()
    stream.allow(0, 0)
    expect(wire.isPaused).toBe(false)
    wire.receive('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n')
    expect(response.status).toBe(200)
    stream.allow(0, 0)
    expect(wire.isPaused).toBe(true)
    stream.allow(1, 0)
    expect(wire.isPaused).toBe(false)
  })

  it('drains, and closes when idle for long', async () => {
    const busy = connect()
    const response = new Recorded()
    busy.connection.open(GET, NO_FIELDS, true, response)
    busy.connection.drain()
    await turn()
    busy.wire.receive(OK)
    expect(response.ended).toBe(true)
    expect(busy.wire.state).toBe('closed')
    const idle = connect()
    idle.connection.drain()
    expect(idle.wire.state).toBe('closed')
    const old = connect({ idleTimeoutMs: 10_000 })
    await old.environment.clock.advance(11_000)
    expect(old.wire.state).toBe('closed')
    expect(old.connection.available).toBe(0)
  })
})

/** A block as no decoder of ours would make it. */
function forged(fields: readonly (readonly [string, string])[]): Partial<Head> {
  const writer = new FieldBlockWriter()
  for (const [name, value] of fields) {
    const bytes = Buffer.from(value, 'latin1')
    writer.literal(nameOf(name), bytes, 0, bytes.length, false, false)
  }
  return { block: writer.buffer, length: writer.length }
}

describe('a request from another protocol', () => {
  it.each([
    ['CR LF in a value', [...pseudo('GET'), ['x', 'a\r\ny: b']]],
    ['LF in a value', [...pseudo('GET'), ['x', 'a\nb']]],
    ['CR in a value', [...pseudo('GET'), ['x', 'a\rb']]],
    ['NUL in a value', [...pseudo('GET'), ['x', 'a\0b']]],
    ['CR LF in a cookie', [...pseudo('GET'), ['cookie', 'a\r\nx: y']]],
    ['CR LF in the path', pseudo('GET', '/ HTTP/1.1\r\nx: y')],
    ['space in the path', pseudo('GET', '/a b')],
    ['fragment in the path', pseudo('GET', '/a#b')],
    ['8-bit path', pseudo('GET', '/\xe9')],
    ['empty path', pseudo('GET', '')],
    ['space in the method', pseudo('GET /x')],
    ['CR LF in the method', pseudo('GET / HTTP/1.1\r\nx')],
    ['empty method', pseudo('')],
    [
      'no method',
      [
        [':path', '/'],
        [':authority', 'a'],
      ],
    ],
    [
      'no path',
      [
        [':method', 'GET'],
        [':authority', 'a'],
      ],
    ],
    [
      'CR LF in the authority',
      [
        [':method', 'GET'],
        [':path', '/'],
        [':authority', 'a\r\nx: y'],
      ],
    ],
    [
      'slash in the authority',
      [
        [':method', 'GET'],
        [':path', '/'],
        [':authority', 'a/b'],
      ],
    ],
    [
      'user in the authority',
      [
        [':method', 'GET'],
        [':path', '/'],
        [':authority', 'u@a'],
      ],
    ],
    [
      'empty authority',
      [
        [':method', 'GET'],
        [':path', '/'],
        [':authority', ''],
      ],
    ],
    ['a host besides the authority', [...pseudo('GET'), ['host', 'b']]],
    ['transfer-encoding', [...pseudo('GET'), ['transfer-encoding', 'chunked']]],
  ] as [string, [string, string][]][])('does not leave with %s', async (_, fields) => {
    const { wire, connection } = connect()
    const response = new Recorded()
    const head = Object.assign(makeHead([]), forged(fields))
    connection.open(head, NO_FIELDS, true, response)
    await turn()
    expect(wire.text).toBe('')
    expect(response).toMatchObject({ processed: 'no' })
    await turn()
    expect(wire.state).toBe('closed')
  })

  it('takes its body along: bytes without a head would be read as a request', async () => {
    const { wire, environment, connection } = connect()
    const response = new Recorded()
    const fields = [...pseudo('POST', '/x'), ['x', 'a\r\nb']] as [string, string][]
    const body = Buffer.from('GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n')
    const head = Object.assign(makeHead([]), forged(fields), { contentLength: body.length })
    // Somebody else's output is flushed in this turn, before the failure is told.
    environment.flusher.add({ flush() {} })
    const stream = connection.open(head, NO_FIELDS, false, response)
    stream.sendData(body, 0, body.length, true)
    await turn()
    expect(wire.text).toBe('')
    expect(response).toMatchObject({ processed: 'no' })
  })

  it('does not leave with a body of another length', async () => {
    const { wire, connection } = connect()
    const response = new Recorded()
    connection.open(makeHead(pseudo('POST'), { contentLength: 3 }), NO_FIELDS, true, response)
    await turn()
    expect(wire.text).toBe('')
    expect(response.broken).toBeDefined()
  })

  it('has no trailers that break its lines', async () => {
    const { wire, connection } = connect()
    const response = new Recorded()
    const stream = connection.open(POST, NO_FIELDS, false, response)
    stream.sendTrailers(Object.assign(makeHead([]), forged([['x', 'a\r\n\r\nGET /smuggled']])))
    await turn()
    expect(wire.text).not.toContain('smuggled')
    expect(response.broken).toBeDefined()
  })
})
