import { afterEach, describe, expect, it } from 'vitest'
import { Head } from '../../../src/core/proxy/http/head.js'
import { findField } from '../../../src/core/proxy/http/field-block.js'
import { DEFAULT_LIMITS } from '../../../src/core/proxy/http/environment.js'
import { HpackDecoder, Role } from '../../../src/core/proxy/http2/hpack/decoder.js'
import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { eventually } from '../../support/eventually.js'
import { GET, POST } from '../../support/hpack-literals.js'
import {
  data,
  Flag,
  type Frame,
  frame,
  headers,
  ping,
  PREFACE,
  RawHttp2,
  settings,
  SETTINGS_ACK,
  Type,
  windowUpdate,
} from '../../support/raw-http2.js'
import { cleanUp, cleanup } from '../support.js'
import { BODY, startPlainServer } from './plain-server.js'
import { type Expected, SERVER_CASES } from './server-cases.js'

afterEach(cleanUp)

describe('the server side of HTTP/2', () => {
  it.each(SERVER_CASES)('$section: $name', async ({ send, expect: expected }) => {
    const { port } = await startPlainServer()
    const client = await connected(port)
    client.send(...send)
    await check(client, expected)
  })
})

describe('the beginning of a connection', () => {
  it.each([
    ['a preface that is none', [Buffer.from('INVALID CONNECTION PREFACE\r\n\r\n')]],
    ['a preface that goes wrong at the end', [PREFACE.subarray(0, 22), Buffer.from('xx')]],
    ['PING instead of SETTINGS', [PREFACE, ping()]],
    ['an acknowledgement instead of SETTINGS', [PREFACE, SETTINGS_ACK]],
    ['DATA instead of SETTINGS', [PREFACE, data(1, 'x')]],
  ])('closes the connection after %s', async (_, sent) => {
    const { port } = await startPlainServer()
    const client = await dialed(port)
    client.send(...sent)
    expect([undefined, ErrorCode.PROTOCOL_ERROR]).toContain(await client.closed())
  })

  it('takes a preface and SETTINGS octet by octet', async () => {
    const { port } = await startPlainServer()
    const client = await dialed(port)
    for (const octet of Buffer.concat([PREFACE, settings(), headers(1, GET)])) {
      client.send(Buffer.of(octet))
      await new Promise(setImmediate)
    }
    expect(await answer(client, 1)).toEqual(['200', BODY.toString()])
  })

  it('tells its limits, and acknowledges what it is told', async () => {
    const { port } = await startPlainServer()
    const client = await connected(port)
    const { payload } = await client.next(({ type, flags }) => type === Type.SETTINGS && flags === 0)
    const told = new Map<number, number>()
    for (let at = 0; at < payload.length; at += 6) told.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
    expect(told.get(3)).toBe(DEFAULT_LIMITS.maxConcurrentStreams)
    expect(told.get(6)).toBe(DEFAULT_LIMITS.maxHeadBytes)
    await client.next(({ type, flags }) => type === Type.SETTINGS && flags === Flag.ACK)
  })
})

describe('flow control', () => {
  it('sends no more than the window of a stream', async () => {
    const { port } = await startPlainServer()
    const client = await connected(port, [4, 3])
    client.send(headers(1, GET))
    await eventually(() => client.received === 3)
    expect(await client.answersPing()).toBe(true)
    expect(client.received).toBe(3)
    client.send(windowUpdate(1, 2))
    await eventually(() => client.received === 5)
    client.send(settings([4, 4]))
    await eventually(() => client.received === 6)
    // The window is negative now, so that an update must first make up for it.
    client.send(settings([4, 0]), windowUpdate(1, 4))
    expect(await client.answersPing('negative')).toBe(true)
    expect(client.received).toBe(6)
    client.send(settings([4, 1000]))
    expect(await answer(client, 1)).toEqual(['200', BODY.toString()])
  })

  it('sends no more than the window of the connection', async () => {
    const { port } = await startPlainServer()
    const client = await connected(port)
    const requests = Math.ceil(65_535 / BODY.length) + 10
    for (let i = 0; i < requests; i++) client.send(headers(2 * i + 1, GET))
    await eventually(() => client.received === 65_535)
    expect(await client.answersPing()).toBe(true)
    expect(client.received).toBe(65_535)
    client.send(windowUpdate(0, 10_000))
    await eventually(() => client.received === requests * BODY.length)
  })

  it('refuses more DATA than the window of a stream', async () => {
    const { port } = await startPlainServer({}, true)
    const client = await connected(port)
    client.send(headers(1, POST, Flag.END_HEADERS), ...Array.from({ length: 3 }, () => data(1, Buffer.alloc(16_384))))
    client.send(data(1, Buffer.alloc(16_383)))
    expect(await client.answersPing()).toBe(true)
    client.send(data(1, 'x'))
    expect(await client.resetCode(1)).toBe(ErrorCode.FLOW_CONTROL_ERROR)
  })

  it('counts padding against the window of a stream', async () => {
    const { port } = await startPlainServer({}, true)
    const client = await connected(port)
    const padded = frame(Type.DATA, Flag.PADDED, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(255)]))
    client.send(headers(1, POST, Flag.END_HEADERS), ...Array.from({ length: 255 }, () => padded))
    expect(await client.answersPing()).toBe(true)
    client.send(padded)
    expect(await client.resetCode(1)).toBe(ErrorCode.FLOW_CONTROL_ERROR)
  })

  it('grants the connection what streams that are not read hold back', async () => {
    const { port } = await startPlainServer({}, true)
    const client = await connected(port)
    // 1 MiB and more, by streams none of which may send more than 64 KiB.
    for (let i = 0; i < 20; i++) {
      const id = 2 * i + 1
      client.send(
        headers(id, POST, Flag.END_HEADERS),
        ...Array.from({ length: 3 }, () => data(id, Buffer.alloc(16_384))),
      )
    }
    client.send(headers(99, GET))
    expect(await answer(client, 99)).toEqual(['200', BODY.toString()])
    expect(client.frames.filter(({ type, id }) => type === Type.WINDOW_UPDATE && id === 0).length).toBeGreaterThan(1)
  })
})

async function dialed(port: number): Promise<RawHttp2> {
  const client = await RawHttp2.dial(port)
  cleanup(() => {
    client.destroy()
  })
  return client
}

async function connected(port: number, ...pairs: (readonly [number, number])[]): Promise<RawHttp2> {
  const client = await RawHttp2.connect(port, ...pairs)
  cleanup(() => {
    client.destroy()
  })
  return client
}

/** The status and body of a response, once it is complete. */
async function answer(client: RawHttp2, id: number): Promise<[status: string | undefined, body: string]> {
  await client.next((frame) => frame.id === id && frame.type <= Type.HEADERS && (frame.flags & Flag.END_STREAM) !== 0)
  const { payload } = await client.next((frame) => frame.id === id && frame.type === Type.HEADERS)
  // A server that keeps no table may say so at the beginning of a block.
  const head = new Head()
  new HpackDecoder(DEFAULT_LIMITS, true).decode(payload, 0, payload.length, Role.RESPONSE, head)
  const body = client.frames
    .filter((frame) => frame.id === id && frame.type === Type.DATA)
    .map(({ payload }) => payload)
  return [findField(head.block, head.length, ':status'), Buffer.concat(body).toString()]
}

async function check(client: RawHttp2, expected: Expected): Promise<void> {
  if (expected === 'nothing') {
    expect(await client.answersPing(), client.story).toBe(true)
  } else if ('connection' in expected) {
    expect(expected.connection, client.story).toContain(await client.closed())
  } else if ('stream' in expected) {
    const isVerdict = ({ type, id }: Frame) =>
      type === Type.GOAWAY || (type === Type.RST_STREAM && id === expected.stream)
    const { type, payload } = await client.next(isVerdict)
    expect(expected.codes).toContain(payload.readUInt32BE(type === Type.GOAWAY ? 4 : 0))
  } else {
    for (const id of expected.answers) expect(await answer(client, id)).toEqual(['200', BODY.toString()])
    expect(client.frames.some(({ type }) => type === Type.GOAWAY)).toBe(false)
  }
}
