import { describe, expect, it } from 'vitest'
import { NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import { OUTPUT_LIMIT } from '../../../src/core/proxy/transport/output.js'
import { turn } from './fake-wire.js'
import { makeHead, OK, RecordingServer } from './recorded.js'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const POST = (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`
const BODY = Buffer.from('ok')
const quiet = (limits = {}) => new RecordingServer({ answers: false, limits })

describe('a client connection', () => {
  it('looks at the next request once the response is complete, and does not read on meanwhile', async () => {
    const server = quiet()
    server.wire.receive(GET + GET + GET)
    expect(server.requests).toHaveLength(1)
    expect(server.wire.isPaused).toBe(true)
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    await turn()
    expect(server.requests).toHaveLength(1)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    await turn()
    expect(server.requests).toHaveLength(2)
    expect(server.wire.isPaused).toBe(true)
    server.streams[1]!.sendHead(OK, NO_FIELDS, false)
    server.streams[1]!.sendData(BODY, 0, 2, true)
    await turn()
    expect(server.requests).toHaveLength(3)
    expect(server.wire.isPaused).toBe(false)
  })

  it('is deaf to a stream that is over', async () => {
    const server = quiet()
    server.wire.receive(GET)
    const [first] = server.streams
    first!.sendHead(OK, NO_FIELDS, false)
    first!.sendData(BODY, 0, 2, true)
    server.wire.receive(GET)
    first!.sendHead(OK, NO_FIELDS, false)
    first!.sendData(BODY, 0, 2, true)
    first!.reset(0)
    first!.allow(0, 0)
    await turn()
    expect(server.wire.text.match(/200 OK/g)).toHaveLength(1)
    expect(server.wire).toMatchObject({ state: 'open', isPaused: false })
  })

  it('writes a head and the body that comes with it at once', async () => {
    const server = new RecordingServer()
    for (let i = 1; i <= 2; i++) {
      server.wire.receive(GET)
      await turn()
      expect(server.wire.writes).toBe(i)
    }
    expect(server.wire.text).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'.repeat(2))
  })

  it('stops reading a body that nobody takes', () => {
    const server = quiet()
    server.wire.receive(POST(10) + 'abc')
    const [stream] = server.streams
    stream!.allow(Infinity, 0)
    expect(server.wire.isPaused).toBe(false)
    stream!.allow(0, 0)
    expect(server.wire.isPaused).toBe(true)
    stream!.allow(5, 5)
    expect(server.wire.isPaused).toBe(true)
    stream!.allow(5, 0)
    expect(server.wire.isPaused).toBe(false)
  })

  it('has no credit while its client does not read, and says when it has again', () => {
    const server = quiet()
    server.wire.receive(GET)
    const [stream] = server.streams
    expect(stream!.credit).toBe(Infinity)
    server.wire.pending = OUTPUT_LIMIT + 1
    stream!.sendHead(makeHead([[':status', '200']], { status: 200 }), NO_FIELDS, false)
    server.wire.receiver.onData(Buffer.alloc(0), 0)
    return turn().then(() => {
      expect(stream).toMatchObject({ credit: 0, queued: OUTPUT_LIMIT + 1 })
      server.wire.drain()
      expect(stream).toMatchObject({ credit: Infinity, queued: 0 })
      expect(server.requests[0]!.credits).toBe(1)
    })
  })

  it('says that it has credit again where its client took a part in between', async () => {
    const server = quiet()
    server.wire.receive(GET)
    const [stream] = server.streams
    const write = async (length: number) => {
      stream!.sendData(Buffer.alloc(length), 0, length, false)
      await turn()
    }
    stream!.sendHead(makeHead([[':status', '200']], { status: 200 }), NO_FIELDS, false)
    server.wire.pending = OUTPUT_LIMIT + 1
    await write(1)
    expect(stream!.credit).toBe(0)
    server.wire.pending = 1
    await write(1)
    server.wire.drain()
    expect(server.requests[0]!.credits).toBe(1)
  })

  it('resets rather than to send a body of another length than announced', () => {
    for (const [length, end] of [
      [3, false],
      [1, true],
    ] as const) {
      const server = quiet()
      server.wire.receive(GET)
      server.streams[0]!.sendHead(OK, NO_FIELDS, false)
      server.streams[0]!.sendData(Buffer.from('abc'), 0, length, end)
      expect(server.wire.state).toBe('reset')
      expect(server.requests[0]!.broken).toMatch(/another length/)
    }
  })

  it.each([
    ['to a HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', 200, 5, 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'],
    ['304', GET, 304, 5, 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'],
    ['204', GET, 204, 5, 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['empty', GET, 200, -1, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['of a status without a name', GET, 299, -1, 'HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n'],
  ])('writes a response without a body: %s', async (_, request, status, contentLength, expected) => {
    const server = quiet()
    server.wire.receive(request)
    server.streams[0]!.sendHead(makeHead([[':status', `${status}`]], { status, contentLength }), NO_FIELDS, true)
    server.wire.receive(GET)
    await turn()
    expect(server.wire.text).toBe(expected)
    expect(server.requests).toHaveLength(2)
  })

  it('waits for the rest of a request that was answered early, and keeps the connection if it comes', async () => {
    const server = quiet()
    server.wire.receive(POST(6) + 'abc')
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    server.wire.receive(`def${GET}`)
    await turn()
    expect(server.requests[0]).toMatchObject({ body: 'abcdef', ended: true, broken: undefined })
    expect(server.requests).toHaveLength(2)
  })

  it('closes when the rest does not come in time', async () => {
    const server = quiet()
    server.wire.receive(POST(6) + 'abc')
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    await server.environment.clock.advance(3000)
    expect(server.requests[0]!.broken).toMatch(/goes on sending/)
    expect(server.wire.state).toBe('ended')
    server.wire.receive(`def${GET}`)
    await server.environment.clock.advance(3000)
    expect(server.wire.state).toBe('closed')
    expect(server.requests).toHaveLength(1)
  })

  it('ends the exchange at once when the relay wants no more of the request', () => {
    const server = quiet()
    server.wire.receive(POST(6) + 'abc')
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    server.streams[0]!.reset(0)
    expect(server.wire.state).toBe('ended')
    expect(server.requests[0]!.broken).toBe(undefined)
  })

  it('closes after a final response to somebody who waits for 100 (Continue)', async () => {
    const server = quiet()
    server.wire.receive('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
    expect(server.requests[0]!.fields).toContain('expect: 100-continue')
    server.streams[0]!.sendHead(makeHead([[':status', '417']], { status: 417 }), NO_FIELDS, true)
    await turn()
    expect(server.wire.text).toBe('HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  })

  it('closes after a final response to somebody who was told something, but not to continue', async () => {
    const server = quiet()
    server.wire.receive('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
    server.streams[0]!.sendInterim(makeHead([[':status', '103']], { status: 103 }))
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    await turn()
    expect(server.wire.text).toContain('connection: close\r\n')
  })

  it('passes 100 (Continue) on and keeps the connection', () => {
    const server = quiet()
    server.wire.receive('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
    server.streams[0]!.sendInterim(makeHead([[':status', '100']], { status: 100 }))
    server.wire.receive('abc')
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    server.wire.receive(GET)
    expect(server.requests).toHaveLength(2)
    return turn().then(() =>
      expect(server.wire.text).toBe('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
    )
  })

  it('sends no interim response to an HTTP/1.0 client', async () => {
    const server = quiet()
    server.wire.receive('GET / HTTP/1.0\r\n\r\n')
    server.streams[0]!.sendInterim(makeHead([[':status', '103']], { status: 103 }))
    await turn()
    expect(server.wire.text).toBe('')
  })

  it('answers a client that closed its half', async () => {
    const server = quiet()
    server.wire.receive(GET)
    server.wire.receiver.onEnd()
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    await turn()
    expect(server.wire.text).toMatch(/connection: close\r\n\r\nok$/)
    expect(server.wire.state).toBe('ended')
  })

  it('breaks off what the client gives up', async () => {
    const server = quiet()
    server.wire.receive(POST(6) + 'abc')
    server.wire.receiver.onEnd()
    expect(server.requests[0]!.broken).toMatch(/within a request/)
    const other = quiet()
    other.wire.receive(GET)
    other.wire.close()
    await turn()
    expect(other.requests[0]!.broken).toMatch(/closed its connection/)
    expect(other.closed).toBe(1)
  })

  it('drains: closes at once when idle, else after the response, which says so', async () => {
    const idle = quiet()
    idle.connection.drain()
    expect(idle.wire.state).toBe('ended')
    const busy = quiet()
    busy.wire.receive(GET + GET)
    busy.connection.drain()
    busy.connection.drain()
    expect(busy.wire.state).toBe('open')
    busy.streams[0]!.sendHead(OK, NO_FIELDS, false)
    busy.streams[0]!.sendData(BODY, 0, 2, true)
    await turn()
    expect(busy.wire.text).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok')
    expect(busy.wire.state).toBe('ended')
    expect(busy.requests).toHaveLength(1)
    const begun = new RecordingServer()
    begun.wire.receive('GET / HTTP/1.1\r\n')
    begun.connection.drain()
    begun.wire.receive('Host: a\r\n\r\n')
    await turn()
    expect(begun.wire.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n/s)
  })

  it('aborts', async () => {
    const server = quiet()
    server.wire.receive(GET)
    server.connection.abort()
    server.connection.abort()
    await turn()
    expect(server.wire.state).toBe('reset')
    expect(server.closed).toBe(1)
    expect(server.requests[0]!.broken).toBeDefined()
  })
})

describe('a client that takes its time', () => {
  it('has so long for a head, however it dribbles', async () => {
    const server = quiet({ headTimeoutMs: 10_000 })
    for (const octet of 'GET / HT') {
      server.wire.receive(octet)
      await server.environment.clock.advance(1000)
    }
    expect(server.wire.text).toBe('')
    for (const octet of 'TP/1') {
      server.wire.receive(octet)
      await server.environment.clock.advance(1000)
    }
    expect(server.wire.text).toMatch(/^HTTP\/1\.1 408 /)
    expect(server.wire.state).toBe('ended')
    expect(server.faults).toEqual(['request head took too long'])
  })

  it('has so long for its first request, and longer between two', async () => {
    const server = new RecordingServer({ limits: { headTimeoutMs: 10_000, idleTimeoutMs: 60_000 } })
    server.wire.receive(GET)
    await server.environment.clock.advance(50_000)
    expect(server.wire.state).toBe('open')
    await server.environment.clock.advance(11_000)
    expect(server.wire.state).toBe('ended')
    const silent = quiet({ headTimeoutMs: 10_000 })
    await silent.environment.clock.advance(11_000)
    expect(silent.wire).toMatchObject({ state: 'ended', text: '' })
    expect(silent.faults).toEqual([])
  })

  it('must send its body at some rate', async () => {
    const server = quiet({ stallTimeoutMs: 10_000 })
    server.wire.receive(POST(1_000_000))
    for (let second = 0; second < 25 && server.wire.state === 'open'; second++) {
      server.wire.receive('a'.repeat(200))
      await server.environment.clock.advance(1000)
    }
    expect(server.wire.state).toBe('open')
    for (let second = 0; second < 25; second++) {
      server.wire.receive('a')
      await server.environment.clock.advance(1000)
    }
    expect(server.wire.text).toMatch(/^HTTP\/1\.1 408 /)
    expect(server.requests[0]!.broken).toMatch(/too long/)
  })

  it('may take its time over a body once the response has begun, or while nobody takes it', async () => {
    for (const held of [false, true]) {
      const server = quiet({ stallTimeoutMs: 10_000 })
      server.wire.receive(POST(1_000_000))
      const [stream] = server.streams
      if (held) stream!.allow(0, 0)
      else stream!.sendHead(OK, NO_FIELDS, false)
      await server.environment.clock.advance(60_000)
      expect(server.wire.state).toBe('open')
    }
  })

  it('is broken off when it does not read', async () => {
    const server = quiet({ stallTimeoutMs: 10_000 })
    server.wire.receive(GET)
    server.wire.pending = 1000
    server.streams[0]!.sendHead(makeHead([[':status', '200']], { status: 200 }), NO_FIELDS, false)
    await turn()
    await server.environment.clock.advance(9000)
    expect(server.wire.state).toBe('open')
    await server.environment.clock.advance(15_000)
    expect(server.wire.state).toBe('reset')
    expect(server.requests[0]!.broken).toMatch(/does not read/)
  })

  it('is not broken off while it reads, though as much waits for it as ever', async () => {
    const server = quiet({ stallTimeoutMs: 10_000 })
    server.wire.receive(GET)
    server.wire.pending = 1000
    server.streams[0]!.sendHead(makeHead([[':status', '200']], { status: 200 }), NO_FIELDS, false)
    for (let i = 0; i < 6; i++) {
      await server.environment.clock.advance(6000)
      server.streams[0]!.sendData(Buffer.alloc(100), 0, 100, false)
      await turn()
    }
    expect(server.wire.state).toBe('open')
  })

  it('gets all of a response that it reads slowly before the connection closes', async () => {
    const server = quiet({ stallTimeoutMs: 10_000 })
    server.wire.receive('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    server.wire.pending = 5000
    server.streams[0]!.sendHead(OK, NO_FIELDS, false)
    server.streams[0]!.sendData(BODY, 0, 2, true)
    for (let left = 4000; left >= 0; left -= 1000) {
      await server.environment.clock.advance(5000)
      expect(server.wire.state).toBe('ended')
      server.wire.pending = left
      server.wire.receiver.onDrain()
    }
    await server.environment.clock.advance(15_000)
    expect(server.wire.state).toBe('closed')
  })
})
