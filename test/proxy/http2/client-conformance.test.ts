import { afterEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { eventually } from '../../support/eventually.js'
import { OK } from '../../support/hpack-literals.js'
import { data, Flag, goAway, headers, PREFACE, reset, settings, SETTINGS_ACK, Type } from '../../support/raw-http2.js'
import { cleanUp } from '../support.js'
import { CLIENT_CASES, type Expected } from './client-cases.js'
import { type Outcome, type PlainClient, startPlainClient } from './plain-client.js'

afterEach(cleanUp)

/** A request under way whose HEADERS the endpoint has got. */
async function underWay(client: PlainClient, id = 1): Promise<Outcome> {
  const outcome = client.request()
  await client.endpoint.next((frame) => frame.type === Type.HEADERS && frame.id === id)
  return outcome
}

describe('the client side of HTTP/2', () => {
  it.each(CLIENT_CASES)('$section: $name', async ({ send, expect: expected }) => {
    const client = await startPlainClient()
    const outcome = await underWay(client)
    client.endpoint.send(...send)
    await check(client, outcome, expected)
  })

  it('begins with the preface and SETTINGS that refuse PUSH_PROMISE', async () => {
    const { endpoint } = await startPlainClient({}, true)
    const { payload } = await endpoint.next(({ type }) => type === Type.SETTINGS)
    expect(endpoint.preface).toBe(PREFACE.toString())
    const told = new Map<number, number>()
    for (let at = 0; at < payload.length; at += 6) told.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
    expect(told.get(2)).toBe(0)
  })

  it.each([
    ['HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')],
    ['HEADERS before SETTINGS', headers(1, OK)],
    ['an acknowledgement before SETTINGS', SETTINGS_ACK],
  ])('gives an endpoint up that begins with %s', async (_, sent) => {
    const client = await startPlainClient({}, true)
    const outcome = await underWay(client)
    client.endpoint.send(sent)
    await eventually(() => client.state.closed)
    expect(client.state.error).toBeInstanceOf(Error)
    expect(outcome.broken).toBeDefined()
  })

  it('takes SETTINGS and a response octet by octet', async () => {
    const client = await startPlainClient({}, true)
    const outcome = await underWay(client)
    for (const octet of Buffer.concat([settings(), headers(1, OK, Flag.END_HEADERS), data(1, 'body', 1)])) {
      client.endpoint.send(Buffer.of(octet))
      await new Promise(setImmediate)
    }
    await eventually(() => outcome.ended)
    expect(outcome).toMatchObject({ status: '200', body: 'body' })
  })

  it('opens no more streams than the endpoint allows', async () => {
    const { connection, endpoint, request } = await startPlainClient()
    endpoint.send(settings([3, 2]))
    await eventually(() => connection.available === 2)
    request()
    const second = request()
    expect(connection.available).toBe(0)
    endpoint.send(headers(3, OK))
    await eventually(() => second.ended)
    expect(connection.available).toBe(1)
  })

  it('says of requests above a GOAWAY that they were not processed', async () => {
    const client = await startPlainClient()
    const first = await underWay(client, 1)
    const second = await underWay(client, 3)
    client.endpoint.send(goAway(1))
    await eventually(() => second.broken !== undefined)
    expect(second.broken).toMatchObject({ code: ErrorCode.REFUSED_STREAM, processed: 'no' })
    expect(client.connection.available).toBe(0)
    client.endpoint.send(headers(1, OK))
    await eventually(() => first.ended && client.state.closed)
    expect(first.broken).toBeUndefined()
  })

  it('says of a refused stream that it was not processed, of others that they may have been', async () => {
    const client = await startPlainClient()
    const refused = await underWay(client, 1)
    const cancelled = await underWay(client, 3)
    const answered = await underWay(client, 5)
    client.endpoint.send(reset(1, ErrorCode.REFUSED_STREAM), reset(3, ErrorCode.CANCEL))
    client.endpoint.send(headers(5, OK, Flag.END_HEADERS), reset(5, ErrorCode.REFUSED_STREAM))
    await eventually(() => answered.broken !== undefined)
    expect(refused.broken?.processed).toBe('no')
    expect(cancelled.broken?.processed).toBe('maybe')
    expect(answered.broken?.processed).toBe('yes')
  })

  it('tells of an endpoint that just goes', async () => {
    const client = await startPlainClient()
    const outcome = await underWay(client)
    client.endpoint.destroy()
    await eventually(() => client.state.closed)
    expect(outcome.broken?.processed).toBe('maybe')
  })
})

async function check(
  { connection, endpoint, state }: PlainClient,
  outcome: Outcome,
  expected: Expected,
): Promise<void> {
  if (expected === 'nothing') {
    expect(await endpoint.answersPing(), endpoint.story).toBe(true)
    expect(outcome).toMatchObject({ status: undefined, broken: undefined })
  } else if ('connection' in expected) {
    expect(expected.connection, endpoint.story).toContain(await endpoint.closed())
    await eventually(() => state.closed)
    expect(state.error).toBeInstanceOf(Error)
    expect(connection.available).toBe(0)
  } else if ('stream' in expected) {
    await eventually(() => outcome.broken !== undefined)
    expect(expected.stream).toContain(outcome.broken?.code)
    expect(await endpoint.answersPing(), endpoint.story).toBe(true)
  } else {
    await eventually(() => outcome.ended)
    expect(outcome).toMatchObject(expected)
    expect(outcome.broken).toBeUndefined()
  }
}
