/**
 * A gRPC backend that costs next to nothing: `backend.mjs MESSAGES BYTES`. It reads HTTP/2 frames, does not look into heads, and
 * answers every request with that many messages of that size and trailers. Prints its port.
 */
import { createServer } from 'node:net'
import * as h2 from './frames.mjs'
import { literal } from './hpack.mjs'

const [messages, bytes] = process.argv.slice(2).map(Number)
const MAX_FRAME = 16_384
const SLAB = 65_536
/** What the kernel need not have taken before more is made. */
const MOST_PENDING = 262_144

const message = Buffer.alloc(5 + bytes, 'm')
message[0] = 0
message.writeUInt32BE(bytes, 1)
const BODY = Buffer.concat(Array.from({ length: messages }, () => message))

const STATUS_200 = 0x88
const FIELDS = [
  ['content-type', 'application/grpc'],
  ['grpc-accept-encoding', 'identity,gzip'],
  ['grpc-status', '0'],
]
const [TYPE, ACCEPTS, STATUS] = FIELDS.map(([name, value]) => literal(name, value, true))
const literals = FIELDS.map(([name, value]) => literal(name, value, false))
/** The most compact head and trailers by what the peer's table holds: nothing, what the first head entered, all. */
const SECTIONS = [
  { head: Buffer.concat([Buffer.of(STATUS_200), TYPE, ACCEPTS]), trailers: STATUS },
  { head: Buffer.of(STATUS_200, 0xbf, 0xbe), trailers: STATUS },
  { head: Buffer.of(STATUS_200, 0xc0, 0xbf), trailers: Buffer.of(0xbe) },
]
const WITHOUT_TABLE = { head: Buffer.concat([Buffer.of(STATUS_200), ...literals.slice(0, 2)]), trailers: literals[2] }
/** "an encoder MUST signal" that the table became smaller (RFC 7541 §4.2): to nothing. */
const TABLE_GIVEN_UP = { ...WITHOUT_TABLE, head: Buffer.concat([Buffer.of(0x20), WITHOUT_TABLE.head]) }

class Connection {
  #socket
  #reader = new h2.FrameReader(24, this.#onFrame.bind(this))
  #window = 65_535
  #initialWindow = 65_535
  #received = 0
  #sections = SECTIONS[0]
  /** Streams that have something to send, in turn: identifier, bytes sent (-1: no head yet), window. */
  #sending = []
  #credits = new Map()
  #slab = Buffer.allocUnsafe(SLAB)
  #used = 0

  constructor(socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('drain', () => this.#send())
    socket.write(h2.settingsFrame([]))
    socket.on('data', (chunk) => {
      this.#reader.read(chunk)
      this.#send()
    })
  }

  #onFrame(type, flags, id, buffer, at, length) {
    if (type === h2.HEADERS || type === h2.DATA) {
      if (type === h2.DATA) this.#received += length
      if (flags & h2.END_STREAM) this.#sending.push({ id, sent: -1, window: this.#creditOf(id) })
    } else if (type === h2.WINDOW_UPDATE) this.#onCredit(id, buffer.readUInt32BE(at))
    else if (type === h2.RST_STREAM) this.#sending = this.#sending.filter((stream) => stream.id !== id)
    else if (type === h2.SETTINGS && !(flags & h2.ACK)) this.#onSettings(h2.settings(buffer, at, length))
    else if (type === h2.PING && !(flags & h2.ACK))
      this.#put(h2.frame(h2.PING, h2.ACK, 0, buffer.subarray(at, at + length)))
  }

  #creditOf(id) {
    const credit = this.#credits.get(id) ?? 0
    this.#credits.delete(id)
    return this.#initialWindow + credit
  }

  #onCredit(id, credit) {
    if (id === 0) return void (this.#window += credit)
    const stream = this.#sending.find((each) => each.id === id)
    if (stream) stream.window += credit
    // Before the request has ended. After its answer the entry says nothing, and there is one per stream at most.
    else if (BODY.length > this.#initialWindow) this.#credits.set(id, (this.#credits.get(id) ?? 0) + credit)
  }

  #onSettings(pairs) {
    for (const [identifier, value] of pairs) {
      if (identifier === 0x4) {
        for (const stream of this.#sending) stream.window += value - this.#initialWindow
        this.#initialWindow = value
      }
      if (identifier === 0x1 && value < 4096) this.#sections = TABLE_GIVEN_UP
    }
    this.#put(h2.frame(h2.SETTINGS, h2.ACK, 0))
  }

  #send() {
    if (this.#received >= 32_768) {
      this.#put(h2.numberFrame(h2.WINDOW_UPDATE, 0, this.#received))
      this.#received = 0
    }
    let stalled = 0
    while (stalled < this.#sending.length && this.#socket.writableLength < MOST_PENDING) {
      const stream = this.#sending.shift()
      const before = stream.sent
      if (this.#advance(stream)) continue
      stalled = stream.sent === before ? stalled + 1 : 0
      this.#sending.push(stream)
    }
    this.#flush()
  }

  /** Sends what comes next of an answer, a frame of data at most. Whether that was its end. */
  #advance(stream) {
    if (stream.sent < 0) {
      this.#section(h2.HEADERS, h2.END_HEADERS, stream.id, this.#sections.head)
      if (this.#sections === SECTIONS[0]) this.#sections = SECTIONS[1]
      else if (this.#sections === TABLE_GIVEN_UP) this.#sections = WITHOUT_TABLE
      stream.sent = 0
    }
    const length = Math.min(BODY.length - stream.sent, MAX_FRAME, stream.window, this.#window)
    if (length > 0) {
      this.#section(h2.DATA, 0, stream.id, BODY, stream.sent, length)
      stream.sent += length
      stream.window -= length
      this.#window -= length
    }
    if (stream.sent < BODY.length) return false
    this.#section(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream.id, this.#sections.trailers)
    if (this.#sections === SECTIONS[1]) this.#sections = SECTIONS[2]
    return true
  }

  #section(type, flags, id, payload, from = 0, length = payload.length) {
    this.#ensure(h2.FRAME_HEAD + length)
    h2.writeFrameHead(this.#slab, this.#used, length, type, flags, id)
    this.#used += h2.FRAME_HEAD
    if (length < 40) for (let i = 0; i < length; i++) this.#slab[this.#used + i] = payload[from + i]
    else payload.copy(this.#slab, this.#used, from, from + length)
    this.#used += length
  }

  #put(bytes) {
    this.#ensure(bytes.length)
    bytes.copy(this.#slab, this.#used)
    this.#used += bytes.length
  }

  #ensure(length) {
    if (this.#used + length > SLAB) this.#flush()
  }

  #flush() {
    if (this.#used === 0) return
    this.#socket.write(this.#slab.subarray(0, this.#used))
    if (this.#socket.writableLength > 0) this.#slab = Buffer.allocUnsafe(SLAB)
    this.#used = 0
  }
}

const server = createServer((socket) => void new Connection(socket))
server.listen(0, '127.0.0.1', 1024, () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
