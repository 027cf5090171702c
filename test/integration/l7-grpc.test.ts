import { Metadata, compressionAlgorithms, status } from '@grpc/grpc-js'
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, cleanup, startTestProxy } from '../proxy/support.js'
import { eventually } from '../support/eventually.js'
import { type GrpcPeer, GrpcPeerClient, order, type Seen, startGrpcPeer } from '../support/grpc-peer.js'

afterEach(cleanUp)

const LISTEN = 'grpc://127.0.0.1:0'

async function peers(count: number): Promise<GrpcPeer[]> {
  const started = await Promise.all(Array.from({ length: count }, () => startGrpcPeer()))
  for (const peer of started) cleanup(() => peer.kill())
  return started
}

function clientOf(address: string, options = {}): GrpcPeerClient {
  const client = new GrpcPeerClient(address, options)
  cleanup(() => client.close())
  return client
}

function metadataOf(fields: readonly (readonly [string, string | Buffer])[]): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of fields) metadata.add(name, value)
  return metadata
}

const ASCII = metadataOf([
  ['x-test-one', 'a value, with a comma'],
  ['x-test-many', 'first'],
  ['x-test-many', 'second'],
  ['x-test-empty', ''],
])
const BINARY = metadataOf([
  ['x-test-bin', Buffer.from([0, 1, 2, 253, 254, 255])],
  ['x-test-bin', Buffer.from('another')],
])
const LARGE = metadataOf([['x-test-large', 'v'.repeat(6000)]])

/** What a client does, and what it sees of it, whoever is in between. */
const CASES: readonly (readonly [string, (client: GrpcPeerClient) => Promise<Seen>, Partial<Seen>])[] = [
  ['a unary call', (client) => client.unary({}), { code: status.OK }],
  ['an empty answer', (client) => client.unary({ bytes: 0 }), { code: status.OK, messages: [Buffer.alloc(0)] }],
  ['a request of 1 MiB', (client) => client.unary({}, { ballast: 1 << 20 }), { code: status.OK }],
  ['an answer of 4 MiB', (client) => client.unary({ bytes: 4 << 20 }), { code: status.OK }],
  ['metadata', (client) => client.unary({}, { metadata: ASCII }), { code: status.OK }],
  ['binary metadata', (client) => client.unary({}, { metadata: BINARY }), { code: status.OK }],
  ['6 KB of metadata', (client) => client.unary({}, { metadata: LARGE }), { code: status.OK }],
  ['an unknown method', (client) => client.other('/test.Peer/Nothing'), { code: status.UNIMPLEMENTED }],
  ...Array.from({ length: 16 }, (_, i) => {
    const [code, details] = [i + 1, `détails of ${i + 1}: 100 %\n`]
    return [
      `the error ${status[code]}`,
      (client: GrpcPeerClient) => client.unary({ code, details }),
      { code, details },
    ] as const
  }),
  ['a stream from the server', (client) => client.down({ messages: 300, bytes: 10_000 }).seen, { code: status.OK }],
  ['an empty stream from the server', (client) => client.down({ messages: 0 }).seen, { code: status.OK, messages: [] }],
  [
    'an error after messages from the server',
    (client) => client.down({ messages: 3, code: status.ABORTED, details: 'halfway' }).seen,
    { code: status.ABORTED, details: 'halfway' },
  ],
  ['a stream from the client', streamUp, { code: status.OK, messages: [Buffer.from('201 messages, 1000003 bytes')] }],
  ['an early error to a client that streams', failUp, { code: status.RESOURCE_EXHAUSTED, details: 'enough' }],
  ['a conversation', converse, { code: status.OK }],
  ['an early end to a client that talks on', endEarly, { code: status.OK }],
  ['a deadline', (client) => client.unary({ delayMs: 3000 }, { deadlineMs: 150 }), { code: status.DEADLINE_EXCEEDED }],
  [
    'a deadline in the middle of a stream',
    (client) => client.down({ messages: 2, delayMs: 3000 }, { deadlineMs: 400 }).seen,
    { code: status.DEADLINE_EXCEEDED },
  ],
  ['cancellation', cancelled, { code: status.CANCELLED }],
]

function streamUp(client: GrpcPeerClient): Promise<Seen> {
  const { call, seen } = client.up({ metadata: ASCII })
  call.write(order({}))
  for (let i = 0; i < 200; i++) call.write(Buffer.alloc(5000, 'u'))
  call.end()
  return seen
}

function failUp(client: GrpcPeerClient): Promise<Seen> {
  const { call, seen } = client.up()
  call.write(order({ early: true, code: status.RESOURCE_EXHAUSTED, details: 'enough' }))
  for (let i = 0; i < 20; i++) call.write(Buffer.alloc(1000))
  return seen
}

/** Each message is sent when the answer to the one before has come. */
function converse(client: GrpcPeerClient): Promise<Seen> {
  const { call, seen } = client.both({ metadata: BINARY })
  let sent = 0
  const next = () => (sent < 50 ? call.write(order({}, 10 * sent++)) : call.end())
  call.on('data', next)
  next()
  return seen
}

function endEarly(client: GrpcPeerClient): Promise<Seen> {
  const { call, seen } = client.both()
  call.write(order({ early: true, messages: 5 }))
  return seen
}

function cancelled(client: GrpcPeerClient): Promise<Seen> {
  const { call, seen } = client.down({ messages: 1, delayMs: 3000 })
  call.once('data', () => call.cancel())
  return seen
}

/** Without the details of deadlines, which name the peer's address and the time that was waited. */
function comparable({ details, messages, ...others }: Seen): object {
  const digest = createHash('sha256')
  for (const message of messages) digest.update(`${message.length} `).update(message)
  return {
    ...others,
    messages: digest.digest('hex'),
    details: others.code === status.DEADLINE_EXCEEDED ? '' : details,
  }
}

describe('gRPC calls through the proxy', () => {
  it.each(CASES)('%s arrives as without it', async (_, act, expected) => {
    const [peer] = await peers(1)
    const { port } = await startTestProxy(peer!.address, { listen: LISTEN })
    const through = await act(clientOf(`127.0.0.1:${port}`))
    const direct = await act(clientOf(peer!.address))
    expect(comparable(through)).toEqual(comparable(direct))
    expect(through).toMatchObject(expected)
  })

  it('carries compressed messages', async () => {
    const [peer] = await peers(1)
    const { port } = await startTestProxy(peer!.address, { listen: LISTEN })
    const compressed = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }
    const seen = await clientOf(`127.0.0.1:${port}`, compressed).unary({}, { ballast: 100_000 })
    expect(seen.code).toBe(status.OK)
  })

  it('tells the server when a client cancels and when its deadline has passed', async () => {
    const [peer] = await peers(1)
    const { port } = await startTestProxy(peer!.address, { listen: LISTEN })
    const client = clientOf(`127.0.0.1:${port}`)
    await cancelled(client)
    await eventually(() => peer!.cancelled === 1)
    await client.unary({ delayMs: 5000 }, { deadlineMs: 100 })
    await eventually(() => peer!.cancelled === 2)
  })

  it('spreads the calls of one channel exactly evenly by round robin', async () => {
    const servers = await peers(3)
    const { port } = await startTestProxy(servers.map(({ address }) => address).join(','), { listen: LISTEN })
    const client = clientOf(`127.0.0.1:${port}`)
    let left = 9999
    const codes = new Map<number, number>()
    const work = async () => {
      while (left-- > 0) {
        const { code } = await client.unary({})
        codes.set(code, (codes.get(code) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: 60 }, work))
    expect([...codes]).toEqual([[status.OK, 9999]])
    expect(servers.map(({ calls }) => calls)).toEqual([3333, 3333, 3333])
  }, 120_000)
})
