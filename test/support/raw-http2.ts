import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { eventually } from './eventually.js'

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const Type = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

export function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(id, 5)
  return Buffer.concat([header, payload])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A complete header section; ends the stream unless told otherwise. */
export function headers(id: number, block: Buffer, flags: number = Flag.END_STREAM | Flag.END_HEADERS): Buffer {
  return frame(Type.HEADERS, flags, id, block)
}

export function continuation(id: number, block: Buffer, flags: number = Flag.END_HEADERS): Buffer {
  return frame(Type.CONTINUATION, flags, id, block)
}

export function data(id: number, payload: Buffer | string, flags = 0): Buffer {
  return frame(Type.DATA, flags, id, Buffer.from(payload))
}

export function settings(...pairs: (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.concat(
    pairs.map(([id, value]) => Buffer.concat([Buffer.of(id >> 8, id & 0xff), number(value)])),
  )
  return frame(Type.SETTINGS, 0, 0, payload)
}

export const SETTINGS_ACK = frame(Type.SETTINGS, Flag.ACK, 0)

export function ping(payload = 'fairlead', flags = 0): Buffer {
  return frame(Type.PING, flags, 0, Buffer.from(payload))
}

export function reset(id: number, code = 8): Buffer {
  return frame(Type.RST_STREAM, 0, id, number(code))
}

export function windowUpdate(id: number, increment: number): Buffer {
  return frame(Type.WINDOW_UPDATE, 0, id, number(increment))
}

export function priority(id: number, dependency: number, weight = 15): Buffer {
  return frame(Type.PRIORITY, 0, id, Buffer.concat([number(dependency), Buffer.of(weight)]))
}

export function goAway(lastId: number, code = 0): Buffer {
  return frame(Type.GOAWAY, 0, 0, Buffer.concat([number(lastId), number(code)]))
}

/** One end of an HTTP/2 connection that writes what it is told to and remembers what it gets. */
export class RawHttp2 {
  readonly frames: Frame[] = []
  /** The peer has ended or reset the connection. */
  ended = false
  /** Octets of DATA that came, over all streams. */
  received = 0
  /** The preface that the client sent, where one was expected. */
  preface = ''
  #bytes: Buffer = Buffer.alloc(0)

  constructor(
    readonly socket: Socket,
    /** A client's preface is to be taken off first. */
    expectPreface = false,
  ) {
    let preface = expectPreface ? PREFACE.length : 0
    socket.on('error', () => {
      this.ended = true
    })
    socket.on('close', () => {
      this.ended = true
    })
    socket.on('end', () => {
      this.ended = true
    })
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
      if (preface > 0) {
        if (this.#bytes.length < preface) return
        this.preface = this.#bytes.toString('latin1', 0, preface)
        this.#bytes = this.#bytes.subarray(preface)
        preface = 0
      }
      this.#parse()
    })
  }

  /** A client of a server on loopback that has sent its preface and SETTINGS, and acknowledges the server's. */
  static async connect(port: number, ...pairs: (readonly [id: number, value: number])[]): Promise<RawHttp2> {
    const raw = await RawHttp2.dial(port)
    raw.send(PREFACE, settings(...pairs))
    await raw.next((frame) => frame.type === Type.SETTINGS && frame.flags === 0)
    raw.send(SETTINGS_ACK)
    return raw
  }

  /** A client that has sent nothing. */
  static async dial(port: number): Promise<RawHttp2> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const raw = new RawHttp2(socket)
    await once(socket, 'connect')
    return raw
  }

  send(...frames: Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames))
  }

  /** The first frame, of those that came or will come, that `wanted` accepts. */
  async next(wanted: (frame: Frame) => boolean): Promise<Frame> {
    return eventually(() => {
      const found = this.frames.find(wanted)
      if (found !== undefined) return found
      if (this.ended) throw new Error(`the connection is over after ${this.story}`)
      return false
    })
  }

  /** The code of the GOAWAY that the peer sends before it closes; undefined if it closes without a word. */
  async closed(): Promise<number | undefined> {
    await eventually(() => this.ended)
    return this.frames.findLast(({ type }) => type === Type.GOAWAY)?.payload.readUInt32BE(4)
  }

  /** The code of the RST_STREAM for a stream. */
  async resetCode(id: number): Promise<number> {
    const { payload } = await this.next((frame) => frame.type === Type.RST_STREAM && frame.id === id)
    return payload.readUInt32BE(0)
  }

  /** Whether a PING is answered: the connection lives. */
  async answersPing(payload = 'are-you?'): Promise<boolean> {
    this.send(ping(payload))
    const isAnswer = (frame: Frame) =>
      frame.type === Type.PING && frame.flags === Flag.ACK && frame.payload.toString() === payload
    return this.next(isAnswer).then(
      () => true,
      () => false,
    )
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** What has come, for messages. */
  get story(): string {
    const name = (type: number) => Object.entries(Type).find(([, code]) => code === type)?.[0] ?? String(type)
    return this.frames.map(({ type, id, flags }) => `${name(type)}(${String(id)}, ${String(flags)})`).join(' ')
  }

  #parse(): void {
    while (this.#bytes.length >= 9) {
      const length = this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < 9 + length) return
      const payload = Buffer.from(this.#bytes.subarray(9, 9 + length))
      const parsed = { type: this.#bytes[3]!, flags: this.#bytes[4]!, id: this.#bytes.readUInt32BE(5), payload }
      this.#bytes = this.#bytes.subarray(9 + length)
      if (parsed.type === Type.DATA) this.received += length
      this.frames.push(parsed)
    }
  }
}
