import { describe, expect, it } from 'vitest'
import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { Http2ClientConnection } from '../../../src/core/proxy/http2/client-connection.js'
import { Http2ServerConnection } from '../../../src/core/proxy/http2/server-connection.js'
import { queuedInProcess } from '../../../src/core/proxy/http2/send-queue.js'
import { FakeWire } from '../../support/fake-wire.js'
import {
  data,
  Flag,
  frame,
  headers,
  PREFACE,
  settings,
  SETTINGS_ACK,
  Type,
  windowUpdate,
} from '../../support/raw-http2.js'
import { manualEnvironment } from '../../support/http-environment.js'
import { seededRandom } from '../../support/seeded-random.js'
import { bridge } from './support.js'

const REQUEST = encodeFields([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'test'],
])
const RESPONSE = encodeFields([[':status', '200']])
const FRAME = 16_384
/** What a stream may have queued: the largest credit that is ever granted. */
const MOST_QUEUED = 262_144

interface SimStream {
  /** Of the sender: what may be sent, and what is left to send. */
  window: number
  left: number
  /** Of the receiver: what it lets come, what came and is not used up, what is used up and not credited. */
  open: number
  waiting: number
  used: number
  received: number
  ended: boolean
}

/** A peer that sends as its windows allow, or that receives and credits what it has used up now and then. */
class SimPeer {
  readonly streams = new Map<number, SimStream>()
  readonly connection: SimStream = blank(65_535, 0)
  /** What it advertises; a share of it is used up before it is credited. */
  window = 65_535
  threshold = 1
  violation: string | undefined
  #bytes: Buffer = Buffer.alloc(0)

  constructor(
    readonly wire: FakeWire,
    private readonly flush: () => void,
  ) {}

  send(...frames: Buffer[]): void {
    this.wire.receive(Buffer.concat(frames))
  }

  /** Takes in what has been written to the peer. */
  read(skip = 0): void {
    this.flush()
    this.#bytes = Buffer.concat([this.#bytes, ...this.wire.written.splice(0)]).subarray(skip)
    while (this.#bytes.length >= 9) {
      const length = this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < 9 + length) break
      const id = this.#bytes.readUInt32BE(5)
      this.#take(this.#bytes[3]!, this.#bytes[4]!, id, this.#bytes.subarray(9, 9 + length))
      this.#bytes = this.#bytes.subarray(9 + length)
    }
  }

  #take(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.streams.get(id)
    if (type === Type.GOAWAY || type === Type.RST_STREAM)
      this.violation = `frame ${type}: ${payload.toString('latin1')}`
    else if (type === Type.WINDOW_UPDATE) {
      const of = id === 0 ? this.connection : stream!
      of.window += payload.readUInt32BE(0)
      if (of.window > 0x7fff_ffff) this.violation = 'a window beyond 2^31-1'
    } else if (type === Type.DATA) {
      for (const of of [stream!, this.connection]) {
        of.open -= payload.length
        of.waiting += payload.length
        of.received += payload.length
        // A window that shrank while DATA was on its way may be exceeded; the random walk reads before it shrinks one.
        if (payload.length > 0 && of.open < 0) this.violation = `${-of.open} bytes beyond the window of ${id}`
      }
      if ((flags & Flag.END_STREAM) !== 0) stream!.ended = true
    }
  }
}

function blank(window: number, left: number): SimStream {
  return { window, left, open: window, waiting: 0, used: 0, received: 0, ended: false }
}

type Random = ReturnType<typeof seededRandom>

function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1))
}

/** Runs one random schedule; says what went wrong. */
function run(seed: number): string | undefined {
  const random = seededRandom(seed)
  const upload = random.next() < 0.5
  const env = manualEnvironment()
  const [near, far] = [new FakeWire(), new FakeWire()]
  const upstream = new Http2ClientConnection(far, env, { onAvailability() {}, onMismatch() {}, onClosed() {} })
  const downstream = new Http2ServerConnection(
    near,
    env,
    { trusted: true },
    { onRequest: (stream, of, end) => bridge(upstream, stream, of, end), onFault() {}, onClosed() {} },
  )
  const flush = () => {
    upstream.output.flush()
    downstream.output.flush()
  }
  const client = new SimPeer(near, flush)
  const server = new SimPeer(far, flush)
  const [sender, receiver] = upload ? [client, server] : [server, client]
  receiver.window = [0, 1, 1000, 65_535, 131_072, 1_048_576][between(random, 0, 5)]!
  receiver.threshold = 0.25 + 0.75 * random.next()
  client.send(PREFACE)
  for (const peer of [client, server]) peer.send(settings([4, peer.window]), SETTINGS_ACK)
  server.read(PREFACE.length)
  client.read()

  const ids = Array.from({ length: between(random, 1, 4) }, (_, i) => 2 * i + 1)
  const sizes = new Map<number, number>()
  for (const id of ids) {
    const size = between(random, 1, 900_000)
    sizes.set(id, size)
    sender.streams.set(id, blank(65_535, size))
    receiver.streams.set(id, blank(receiver.window, 0))
    client.send(headers(id, REQUEST, Flag.END_HEADERS | (upload ? 0 : Flag.END_STREAM)))
    flush()
    if (!upload) server.send(headers(id, RESPONSE, Flag.END_HEADERS))
  }

  const eagerness = random.next()
  for (let step = 0; step < 20_000; step++) {
    receiver.read()
    sender.read()
    const violation = sender.violation ?? receiver.violation
    if (violation) return `seed ${seed}: ${violation}`
    if (queuedInProcess() > ids.length * MOST_QUEUED) return `seed ${seed}: ${queuedInProcess()} bytes queued`
    const done = ids.every(
      (id) => receiver.streams.get(id)!.received === sizes.get(id) && receiver.streams.get(id)!.ended,
    )
    if (done) return undefined
    if (random.next() < 0.01) changeSettings(receiver, random)
    // Often one side is much faster than the other.
    const sent = random.next() < eagerness && sendSome(sender, ids, random)
    const used = random.next() < 1 - eagerness && useSome(receiver, ids, random)
    if (sent || used || step % 8 !== 0) continue
    if (sendSome(sender, ids, random) || useSome(receiver, ids, random)) continue
    if (ids.some((id) => receiver.streams.get(id)!.open <= 0) && receiver.window === 0) changeSettings(receiver, random)
    else
      return `seed ${seed}: stalled (${upload ? 'upload' : 'download'}, window ${receiver.window}, ${receiver.threshold})`
  }
  return `seed ${seed}: not done in time`
}

/** Sends a piece on a random stream that may send, sometimes padded. */
function sendSome(sender: SimPeer, ids: readonly number[], random: Random): boolean {
  const able = ids.filter((id) => {
    const stream = sender.streams.get(id)!
    return stream.left > 0 && stream.window > 0 && sender.connection.window > 0
  })
  if (able.length === 0) return false
  const id = able[between(random, 0, able.length - 1)]!
  const stream = sender.streams.get(id)!
  const most = Math.min(stream.window, sender.connection.window, FRAME)
  const padding = most > 300 && random.next() < 0.1 ? between(random, 0, 255) + 1 : 0
  const length = Math.min(stream.left, random.next() < 0.5 ? most - padding : between(random, 1, most - padding))
  stream.left -= length
  stream.window -= length + padding
  sender.connection.window -= length + padding
  const end = stream.left === 0 ? Flag.END_STREAM : 0
  if (padding === 0) sender.send(data(id, Buffer.alloc(length, id), end))
  else {
    const payload = Buffer.concat([Buffer.of(padding - 1), Buffer.alloc(length + padding - 1, id)])
    sender.send(frame(Type.DATA, end | Flag.PADDED, id, payload))
  }
  return true
}

/** Uses up some of what waits and credits it where the threshold is reached. */
function useSome(receiver: SimPeer, ids: readonly number[], random: Random): boolean {
  const able = ids.filter((id) => receiver.streams.get(id)!.waiting > 0)
  if (able.length === 0) return false
  const id = able[between(random, 0, able.length - 1)]!
  const stream = receiver.streams.get(id)!
  const amount = random.next() < 0.5 ? stream.waiting : between(random, 1, stream.waiting)
  const { connection } = receiver
  for (const of of [stream, connection]) {
    of.waiting -= amount
    of.used += amount
  }
  // A connection is credited by the same rule, by the window it began with.
  for (const [of, to, window] of [
    [stream, id, receiver.window],
    [connection, 0, 65_535],
  ] as const) {
    if (of.used < receiver.threshold * window || of.used === 0 || (to !== 0 && of.ended)) continue
    of.open += of.used
    receiver.send(windowUpdate(to, of.used))
    of.used = 0
  }
  return true
}

function changeSettings(receiver: SimPeer, random: Random): void {
  receiver.read()
  const window = between(random, 1, 300_000)
  for (const stream of receiver.streams.values()) stream.open += window - receiver.window
  receiver.window = window
  receiver.send(settings([4, window]))
  // A window as it is now may have been used up already by the new measure.
  for (const [id, stream] of receiver.streams) {
    if (stream.used < receiver.threshold * window || stream.used === 0) continue
    stream.open += stream.used
    receiver.send(windowUpdate(id, stream.used))
    stream.used = 0
  }
}

describe('flow control of two connections joined', () => {
  it('neither stalls nor breaks a window under 300 random schedules', () => {
    const wrong = Array.from({ length: 300 }, (_, seed) => run(seed + 1)).filter((outcome) => outcome !== undefined)
    expect(wrong).toEqual([])
  }, 120_000)
})
