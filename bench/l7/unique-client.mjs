/**
 * gRPC calls no two of which have the same head: `unique-client.mjs PORT CONNECTIONS STREAMS COUNT BYTES`. Every path, trace
 * header and deadline is new. `BYTES` is what an answer's body must have. Prints {"requests","errors","seconds"}.
 */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import * as h2 from './frames.mjs'
import { Encoder, Field } from './hpack.mjs'

const [port, connections, streams, count, bytes] = process.argv.slice(2).map(Number)
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const SLAB = 65_536
/** An empty message. */
const MESSAGE = Buffer.of(0, 0, 0, 0, 0)
const MOST_A_CALL = 600

let started = 0
let done = 0
let errors = 0
const PATH = `/bench.v1.Greeter/Hello-${randomBytes(12).toString('hex')}-`

/** Beginnings of the traces' identifiers; a count makes each one unique. */
const TRACES = Array.from({ length: 1024 }, () => randomBytes(8).toString('hex'))
const HALVES = TRACES.map((trace) => trace.slice(0, 8))

/** What the heads of a connection are made of. */
class Heads {
  #encoder = new Encoder()
  #same = [
    [':authority', 'greeter.bench.test'],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ['user-agent', 'grpc-bench/1.0'],
    ['grpc-accept-encoding', 'identity'],
  ].map(([name, value]) => new Field(name, value))
  #method = new Field(':method', 'POST')
  #scheme = new Field(':scheme', 'http')
  #path = new Field(':path')
  #trace = new Field('traceparent')
  #timeout = new Field('grpc-timeout')

  /** Writes the head of a call into `out` at `at` and returns where it ends. */
  write(out, at, call) {
    const encoder = this.#encoder
    const number = call.toString(16).padStart(8, '0')
    const trace = TRACES[call & 1023]
    const half = HALVES[call & 1023]
    at = encoder.encode(out, at, this.#method)
    at = encoder.encode(out, at, this.#scheme)
    at = encoder.encode(out, at, this.#path, PATH + number)
    for (const field of this.#same) at = encoder.encode(out, at, field)
    at = encoder.encode(out, at, this.#trace, `00-${trace}${half}${number}-${number}${half}-01`)
    return encoder.encode(out, at, this.#timeout, `${9_000_000 + ((call * 7919) % 999_983)}u`)
  }
}

class Connection {
  #socket = connect(port, '127.0.0.1')
  #reader = new h2.FrameReader(0, this.#onFrame.bind(this))
  #heads = new Heads()
  #nextId = 1
  #open = 0
  #received = 0
  #bodies = new Map()
  #slab = Buffer.allocUnsafe(SLAB)
  #used = 0

  constructor() {
    this.#socket.setNoDelay(true)
    this.#socket.on('error', (error) => fail(error.message))
    this.#socket.on('close', () => done < count && fail('the proxy closed a connection'))
    this.#socket.write(Buffer.concat([PREFACE, h2.settingsFrame([[0x2, 0]])]))
    this.#socket.on('data', (chunk) => {
      this.#reader.read(chunk)
      if (this.#received >= 32_768) {
        this.#put(h2.numberFrame(h2.WINDOW_UPDATE, 0, this.#received))
        this.#received = 0
      }
      this.start()
    })
  }

  /** Fills the connection with calls. */
  start() {
    while (this.#open < streams && started < count) {
      if (this.#used + MOST_A_CALL > SLAB) this.#flush()
      const id = this.#nextId
      this.#nextId += 2
      this.#open++
      this.#bodies.set(id, 0)
      const at = this.#used + h2.FRAME_HEAD
      const end = this.#heads.write(this.#slab, at, started++)
      h2.writeFrameHead(this.#slab, this.#used, end - at, h2.HEADERS, h2.END_HEADERS, id)
      h2.writeFrameHead(this.#slab, end, MESSAGE.length, h2.DATA, h2.END_STREAM, id)
      this.#used = end + h2.FRAME_HEAD + MESSAGE.copy(this.#slab, end + h2.FRAME_HEAD)
    }
    this.#flush()
  }

  #onFrame(type, flags, id, buffer, at, length) {
    if (type === h2.HEADERS) {
      if (flags & h2.END_STREAM) this.#finish(id, this.#bodies.get(id) === bytes)
    } else if (type === h2.DATA) {
      this.#received += length
      this.#bodies.set(id, this.#bodies.get(id) + length)
      // The end belongs to the trailers.
      if (flags & h2.END_STREAM) this.#finish(id, false)
    } else if (type === h2.RST_STREAM) this.#finish(id, false)
    else if (type === h2.PING && !(flags & h2.ACK))
      this.#put(h2.frame(h2.PING, h2.ACK, 0, buffer.subarray(at, at + length)))
    else if (type === h2.SETTINGS && !(flags & h2.ACK)) this.#onSettings(h2.settings(buffer, at, length))
  }

  #onSettings(pairs) {
    if (pairs.some(([identifier, value]) => identifier === 0x1 && value < 4096)) fail('a table below 4096 bytes')
    this.#put(h2.frame(h2.SETTINGS, h2.ACK, 0))
  }

  #finish(id, right) {
    if (!this.#bodies.delete(id)) return
    this.#open--
    if (!right) errors++
    if (++done === count) finish()
  }

  #put(frame) {
    if (this.#used + frame.length > SLAB) this.#flush()
    this.#used += frame.copy(this.#slab, this.#used)
  }

  #flush() {
    if (this.#used === 0) return
    this.#socket.write(this.#slab.subarray(0, this.#used))
    if (this.#socket.writableLength > 0) this.#slab = Buffer.allocUnsafe(SLAB)
    this.#used = 0
  }
}

function fail(reason) {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

function finish() {
  const seconds = (performance.now() - begin) / 1000
  process.stdout.write(`${JSON.stringify({ requests: count, errors, seconds })}\n`, () => process.exit(0))
}

const begin = performance.now()
for (let i = 0; i < connections; i++) new Connection().start()
