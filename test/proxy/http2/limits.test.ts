import { afterEach, describe, expect, it } from 'vitest'
import type { HttpLimits } from '../../../src/core/proxy/http/environment.js'
import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { queuedInProcess } from '../../../src/core/proxy/http2/send-queue.js'
import { Http2ServerConnection } from '../../../src/core/proxy/http2/server-connection.js'
import { manualEnvironment } from '../../support/http-environment.js'
import { settle } from '../../support/manual-clock.js'
import { FakeWire } from '../../support/fake-wire.js'
import {
  continuation,
  data,
  Flag,
  frame,
  type Frame,
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
import { cleanup, cleanUp } from '../support.js'
import { pattern, Recorder, response } from './support.js'

afterEach(cleanUp)

const REQUEST = encodeFields([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'test'],
])

/** A server connection on a wire that the test is the peer of. */
function serve(limits: Partial<HttpLimits> = {}) {
  const env = manualEnvironment(limits)
  const { clock } = env
  const wire = new FakeWire()
  const recorders: Recorder[] = []
  const faults: string[] = []
  const connection = new Http2ServerConnection(
    wire,
    env,
    { trusted: true },
    {
      onRequest(stream) {
        const recorder = new Recorder()
        recorder.stream = stream
        recorders.push(recorder)
        return recorder
      },
      onFault: (reason) => void faults.push(reason),
      onClosed() {},
    },
  )
  cleanup(() => {
    connection.abort()
    connection.onClose()
  })
  /** Everything written so far and not yet looked at. */
  const frames = (): Frame[] => {
    connection.output.flush()
    const bytes = Buffer.concat(wire.written.splice(0))
    const parsed: Frame[] = []
    for (let at = 0; at < bytes.length;) {
      const end = at + 9 + bytes.readUIntBE(at, 3)
      const payload = bytes.subarray(at + 9, end)
      parsed.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, id: bytes.readUInt32BE(at + 5), payload })
      at = end
    }
    return parsed
  }
  const send = (...sent: Buffer[]) => wire.receive(Buffer.concat(sent))
  return { connection, wire, clock, recorders, faults, frames, send }
}

/** As `serve`, with settings exchanged. */
function greeted(limits: Partial<HttpLimits> = {}, ...pairs: (readonly [number, number])[]) {
  const served = serve(limits)
  served.send(PREFACE, settings(...pairs), SETTINGS_ACK)
  served.frames()
  return served
}

function goAwayCode(frames: readonly Frame[]): number | undefined {
  return frames.find(({ type }) => type === Type.GOAWAY)?.payload.readUInt32BE(4)
}

function resetsOf(frames: readonly Frame[]): number[][] {
  return frames.filter(({ type }) => type === Type.RST_STREAM).map(({ id, payload }) => [id, payload.readUInt32BE(0)])
}

describe('output that its client does not take', () => {
  it('does not keep a connection from being read for DATA alone: both ends might wait for each other', () => {
    const { wire, send, recorders, frames } = greeted({}, [4, 1024 * 1024])
    send(headers(1, REQUEST, Flag.END_STREAM | Flag.END_HEADERS))
    const { stream } = recorders[0]!
    stream.sendHead(response(), NO_FIELDS, false)
    stream.sendData(pattern(60_000), 0, 60_000, false)
    wire.pending = 300 * 1024
    frames()
    expect(stream.credit).toBe(0)
    send(windowUpdate(1, 1000))
    expect(wire.reading).toBe(true)
  })

  it('goes out before a drained connection is closed, however slowly', async () => {
    const { clock, connection, wire, send, recorders, frames } = greeted({ stallTimeoutMs: 10_000 })
    send(headers(1, REQUEST, Flag.END_STREAM | Flag.END_HEADERS))
    connection.drain()
    send(ping('draining', Flag.ACK))
    const { stream } = recorders[0]!
    stream.sendHead(response(), NO_FIELDS, false)
    wire.pending = 60_000
    stream.sendData(pattern(60_000), 0, 60_000, true)
    frames()
    expect(wire.ended).toBe(true)
    await clock.advance(5000)
    expect(wire.gone).toBeUndefined()
    wire.pending = 0
    wire.receiver.onDrain()
    await clock.advance(3000)
    expect(wire.gone).toBe('closed')
  })

  it('is given up in the end', async () => {
    const { clock, connection, wire, send, recorders, frames } = greeted({ stallTimeoutMs: 10_000 })
    send(headers(1, REQUEST, Flag.END_STREAM | Flag.END_HEADERS))
    connection.drain()
    send(ping('draining', Flag.ACK))
    wire.pending = 60_000
    recorders[0]!.stream.sendHead(response(), NO_FIELDS, true)
    frames()
    await clock.advance(5000)
    expect(wire.gone).toBeUndefined()
    await clock.advance(30_000)
    expect(wire.gone).toBe('closed')
  })
})

describe('time', () => {
  it('ends a connection that does not begin', async () => {
    const { clock, wire, frames } = serve({ headTimeoutMs: 1000 })
    await clock.advance(900)
    expect(wire.ended).toBe(false)
    await clock.advance(1500)
    expect(goAwayCode(frames())).toBe(ErrorCode.SETTINGS_TIMEOUT)
    expect(wire.ended).toBe(true)
    await clock.advance(2000)
    expect(wire.gone).toBe('closed')
  })

  it('ends a connection whose client does not acknowledge the settings', async () => {
    const { clock, send, frames } = serve({ headTimeoutMs: 1000 })
    send(PREFACE, settings())
    await clock.advance(2500)
    expect(goAwayCode(frames())).toBe(ErrorCode.SETTINGS_TIMEOUT)
  })

  it('ends a connection on which a header section takes too long, however slowly it grows', async () => {
    const { clock, send, frames } = greeted({ headTimeoutMs: 1000 })
    send(headers(1, REQUEST.subarray(0, 2), Flag.END_STREAM))
    for (let i = 2; i < 8; i++) {
      await clock.advance(400)
      send(continuation(1, REQUEST.subarray(i, i + 1), 0))
    }
    expect(goAwayCode(frames())).toBe(ErrorCode.ENHANCE_YOUR_CALM)
  })

  it('ends a connection on which a frame that carries a head does not end', async () => {
    const { clock, send, frames } = greeted({ headTimeoutMs: 1000 })
    const whole = headers(1, REQUEST)
    send(whole.subarray(0, 5))
    await clock.advance(600)
    send(whole.subarray(5, 12))
    await clock.advance(1500)
    expect(goAwayCode(frames())).toBe(ErrorCode.ENHANCE_YOUR_CALM)
  })

  it('closes an idle connection, and none with an open stream', async () => {
    const { clock, send, frames, recorders, wire } = greeted({ idleTimeoutMs: 5000 })
    send(headers(1, REQUEST))
    await clock.advance(20_000)
    expect(wire.ended).toBe(false)
    recorders[0]!.stream.sendHead(response(), NO_FIELDS, true)
    await clock.advance(4000)
    expect(wire.ended).toBe(false)
    await clock.advance(2500)
    expect(goAwayCode(frames())).toBe(ErrorCode.NO_ERROR)
    expect(wire.ended).toBe(true)
  })

  it('resets a stream whose peer opens no window, and no other', async () => {
    const { clock, send, frames, recorders } = greeted({ stallTimeoutMs: 3000 }, [4, 10])
    send(headers(1, REQUEST), headers(3, REQUEST), windowUpdate(3, 100))
    for (const { stream } of recorders) {
      stream.sendHead(response(), NO_FIELDS, false)
      stream.sendData(pattern(50), 0, 50, false)
    }
    expect(recorders.map(({ stream }) => stream.queued)).toEqual([40, 0])
    await clock.advance(2000)
    send(windowUpdate(1, 5))
    await clock.advance(2000)
    expect(recorders[0]!.events).toEqual([])
    await clock.advance(2500)
    expect(recorders.map(({ events }) => events)).toEqual([['broken 8 yes'], []])
    expect(resetsOf(frames())).toEqual([[1, ErrorCode.CANCEL]])
    expect(queuedInProcess()).toBe(0)
  })

  it('gives up a client that does not read what is written to it', async () => {
    const { clock, connection, send, recorders, wire } = greeted({ stallTimeoutMs: 3000 })
    send(headers(1, REQUEST))
    Object.assign(wire, { pending: 1000 })
    connection.output.flush()
    await clock.advance(2000)
    expect(wire.gone).toBeUndefined()
    await clock.advance(2500)
    expect(wire.gone).toBe('closed')
    expect(recorders[0]!.broken).toBeDefined()
  })

  it('keeps a client that reads, though as much waits for it as ever', async () => {
    const { clock, send, recorders, wire } = greeted({ stallTimeoutMs: 3000 })
    send(headers(1, REQUEST))
    wire.pending = 1000
    const { stream } = recorders[0]!
    stream.sendHead(response(), NO_FIELDS, false)
    for (let i = 0; i < 6; i++) {
      await clock.advance(2000)
      stream.sendData(pattern(100), 0, 100, false)
      await settle()
    }
    expect(wire.gone).toBeUndefined()
  })
})

describe('budgets', () => {
  it.each([
    ['PING', () => ping()],
    ['SETTINGS', () => settings()],
    ['PRIORITY', () => priority(7, 0)],
    ['unknown frames', () => frame(0x99, 0, 0, Buffer.alloc(3))],
    ['empty DATA', () => data(1, '')],
  ])('end a connection that sends too much %s', (_, one) => {
    const { send, frames, faults } = greeted({ controlBurst: 20, controlsPerSecond: 0 })
    send(headers(1, REQUEST, Flag.END_HEADERS))
    send(...Array.from({ length: 20 }, one))
    expect(goAwayCode(frames())).toBeUndefined()
    send(one())
    expect(goAwayCode(frames())).toBe(ErrorCode.ENHANCE_YOUR_CALM)
    expect(faults).toHaveLength(1)
  })

  it('let a client PING as often as it sends or is sent data', () => {
    const { send, frames, recorders } = greeted({ controlBurst: 20, controlsPerSecond: 0 })
    send(headers(1, REQUEST, Flag.END_HEADERS), headers(3, REQUEST))
    for (let i = 0; i < 100; i++) send(data(1, 'x'), ping())
    const received = recorders[1]!.stream
    received.sendHead(response(), NO_FIELDS, false)
    for (let i = 0; i < 100; i++) {
      received.sendData(Buffer.from('x'), 0, 1, false)
      send(ping())
    }
    expect(goAwayCode(frames())).toBeUndefined()
  })

  it('are regained with time', async () => {
    const { send, frames, clock } = greeted({ controlBurst: 10, controlsPerSecond: 10 })
    for (let i = 0; i < 5; i++) {
      send(...Array.from({ length: 10 }, () => ping()))
      await clock.advance(1100)
    }
    expect(goAwayCode(frames())).toBeUndefined()
    send(...Array.from({ length: 12 }, () => ping()))
    expect(goAwayCode(frames())).toBe(ErrorCode.ENHANCE_YOUR_CALM)
  })

  it('end a connection that opens and resets streams', () => {
    const { send, frames, recorders, connection } = greeted({ resetBurst: 20, resetsPerSecond: 0 })
    for (let i = 0; i < 1000; i++) send(headers(2 * i + 1, REQUEST), reset(2 * i + 1))
    expect(goAwayCode(frames())).toBe(ErrorCode.ENHANCE_YOUR_CALM)
    expect(recorders).toHaveLength(21)
    expect(connection.active).toBe(0)
  })

  it.each([
    ['a window update of 0', (id: number) => windowUpdate(id, 0)],
    ['a window that overflows', (id: number) => windowUpdate(id, 0x7fff_ffff)],
    ['DATA behind the end', (id: number) => data(id, 'x')],
    ['a stream that depends on itself', (id: number) => priority(id, id)],
  ])('end a connection that has us reset streams by %s', (_, provoke) => {
    const { send, frames, recorders } = greeted({ resetBurst: 20, resetsPerSecond: 0 })
    for (let i = 0; i < 1000; i++) send(headers(2 * i + 1, REQUEST), provoke(2 * i + 1))
    const written = frames()
    expect(goAwayCode(written)).toBe(ErrorCode.ENHANCE_YOUR_CALM)
    expect(resetsOf(written)).toHaveLength(21)
    expect(recorders.every(({ broken }) => broken !== undefined)).toBe(true)
  })

  it('let a client cancel as many requests as it lets finish', () => {
    const { send, frames, recorders } = greeted({ resetBurst: 20, resetsPerSecond: 0 })
    for (let i = 0; i < 200; i++) {
      const id = 4 * i + 1
      send(headers(id, REQUEST), headers(id + 2, REQUEST), reset(id))
      recorders.at(-1)!.stream.sendHead(response(), NO_FIELDS, true)
    }
    expect(goAwayCode(frames())).toBeUndefined()
  })

  it('bound the frames and the size of a header section', () => {
    const many = greeted({ maxContinuations: 8 })
    many.send(headers(1, REQUEST, Flag.END_STREAM), ...Array.from({ length: 9 }, () => continuation(1, NO_FIELDS, 0)))
    expect(goAwayCode(many.frames())).toBe(ErrorCode.ENHANCE_YOUR_CALM)
    const large = greeted({ maxHeadBytes: 1000 })
    large.send(headers(1, REQUEST, Flag.END_STREAM), continuation(1, Buffer.alloc(1000), 0))
    expect(goAwayCode(large.frames())).toBe(ErrorCode.ENHANCE_YOUR_CALM)
  })

  it('answer 431 to a head with too many fields, and go on', () => {
    const { send, frames, recorders } = greeted({ maxHeadFields: 10 })
    const crumbs = encodeFields(Array.from({ length: 10 }, () => ['cookie', 'a=b'] as const))
    send(headers(1, Buffer.concat([REQUEST, crumbs])), headers(3, REQUEST))
    const [answer] = frames().filter(({ type }) => type === Type.HEADERS)
    expect(answer!.payload.toString('latin1')).toContain('431')
    expect(recorders).toHaveLength(1)
  })
})

describe('memory', () => {
  it('of all queues is bounded: a stream beyond is reset, others go on', async () => {
    const { send, recorders, frames, clock } = greeted({ maxQueuedBytes: 16_384 }, [4, 0])
    send(headers(1, REQUEST), headers(3, REQUEST), headers(5, REQUEST))
    for (const { stream } of recorders) {
      stream.sendHead(response(), NO_FIELDS, false)
      stream.sendData(pattern(8000), 0, 8000, false)
    }
    expect(queuedInProcess()).toBe(16_384)
    expect(recorders.map(({ stream }) => stream.queued)).toEqual([8000, 8000, Infinity])
    await clock.advance(1000)
    expect(recorders.map(({ events }) => events)).toEqual([[], [], ['broken 11 yes']])
    frames()
    send(settings([4, 10_000]))
    expect(
      frames()
        .filter(({ type }) => type === Type.DATA)
        .map(({ id, payload }) => [id, payload.length]),
    ).toEqual([
      [1, 8000],
      [3, 8000],
    ])
    expect(queuedInProcess()).toBe(0)
  })

  it('is given back with the streams that held it', () => {
    const { send, recorders, connection } = greeted({}, [4, 0])
    send(headers(1, REQUEST), headers(3, REQUEST), headers(5, REQUEST))
    for (const { stream } of recorders) {
      stream.sendHead(response(), NO_FIELDS, false)
      stream.sendData(pattern(8000), 0, 8000, true)
    }
    expect(queuedInProcess()).toBeGreaterThan(0)
    recorders[0]!.stream.reset(ErrorCode.CANCEL)
    send(reset(3))
    connection.abort()
    expect(queuedInProcess()).toBe(0)
  })

  it('is not spent on a client that does not read: reading stops until it does', async () => {
    const { connection, send, wire, recorders } = greeted()
    send(headers(1, REQUEST))
    const { stream } = recorders[0]!
    wire.pending = 300_000
    stream.sendHead(response(), NO_FIELDS, false)
    await settle()
    expect(stream.credit).toBe(0)
    stream.sendData(pattern(100), 0, 100, false)
    expect(stream.queued).toBe(100)
    wire.pending = 2 * 1024 * 1024
    send(ping())
    await settle()
    send(ping())
    expect(wire.reading).toBe(false)
    wire.pending = 0
    connection.onDrain()
    expect(wire.reading).toBe(true)
    expect([stream.queued, stream.credit]).toEqual([0, 65_435])
  })
})
