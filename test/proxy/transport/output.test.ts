import type { Socket } from 'node:net'
import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { copyShort, copyWords } from '../../../src/core/proxy/transport/copy-words.js'
import { Flusher } from '../../../src/core/proxy/transport/flusher.js'
import { Output, OUTPUT_LIMIT } from '../../../src/core/proxy/transport/output.js'
import { Slab, SLAB_BYTES, SlabPool } from '../../../src/core/proxy/transport/slabs.js'
import { deafReceiver, SocketWire } from '../../../src/core/proxy/transport/socket-wire.js'
import { READ_BUFFER } from '../../../src/core/proxy/transport/static-read.js'
import type { Wire } from '../../../src/core/proxy/transport/transport.js'
import { settle } from '../../support/manual-clock.js'
import { cleanup, cleanUp, until } from '../support.js'

afterEach(cleanUp)

/** A wire that keeps what it is given; `pending` is what the test says. */
function recordingWire() {
  const written: Buffer[] = []
  const slabs = new SlabPool()
  const wire = {
    ...{ receiver: deafReceiver, remote: undefined, local: undefined, slabs, pending: 0 },
    write: () => true,
    writeSlab: (slab: Slab, length: number) => {
      written.push(Buffer.from(slab.bytes.subarray(0, length)))
      slabs.giveSlab(slab)
      return true
    },
    ...{ end() {}, close() {}, reset() {}, pause() {}, resume() {} },
  } satisfies Wire
  return { wire, written }
}

function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff))
}

describe('output', () => {
  it('writes once at the end of the turn what was committed during it', async () => {
    const { wire, written } = recordingWire()
    const output = new Output(wire, new Flusher())
    for (const text of ['one ', 'two ', 'three']) {
      output.write(Buffer.from(text), 0, text.length)
      output.commit()
    }
    expect(written).toEqual([])
    await settle()
    expect(written.map(String)).toEqual(['one two three'])
    output.write(Buffer.from('four'), 0, 4)
    output.commit()
    await settle()
    expect(written.map(String)).toEqual(['one two three', 'four'])
  })

  it('writes at once without a flusher', () => {
    const { wire, written } = recordingWire()
    const output = new Output(wire)
    output.write(Buffer.from('now'), 0, 3)
    output.commit()
    expect(written.map(String)).toEqual(['now'])
  })

  it('keeps the order of pieces larger than a slab, and of those that do not fit in the rest of one', () => {
    const { wire, written } = recordingWire()
    const output = new Output(wire)
    const large = pattern(SLAB_BYTES * 2 + 1000)
    output.write(large, 0, large.length)
    output.ensure(SLAB_BYTES - 500)
    expect(output.room).toBe(SLAB_BYTES)
    output.bytes[output.position++] = 1
    output.commit()
    expect(Buffer.concat(written).equals(Buffer.concat([large, Buffer.of(1)]))).toBe(true)
    expect(written.map((part) => part.length)).toEqual([SLAB_BYTES, SLAB_BYTES, 1000, 1])
  })

  it('counts as full while the kernel leaves too much', () => {
    const { wire } = recordingWire()
    const output = new Output(wire)
    output.write(Buffer.from('x'), 0, 1)
    expect(output.pending).toBe(1)
    wire.pending = OUTPUT_LIMIT + 1
    output.commit()
    expect([output.full, output.pending]).toEqual([true, OUTPUT_LIMIT + 1])
    wire.pending = 0
    output.drained()
    expect([output.full, output.pending]).toEqual([false, 0])
  })

  it('drops what is written after it was closed', async () => {
    const { wire, written } = recordingWire()
    const output = new Output(wire, new Flusher())
    output.write(Buffer.from('x'), 0, 1)
    output.commit()
    output.close()
    output.write(Buffer.from('y'), 0, 1)
    output.commit()
    await settle()
    expect(written).toEqual([])
  })

  it('holds no slab while nothing is written', () => {
    const { wire } = recordingWire()
    const output = new Output(wire)
    output.write(Buffer.from('x'), 0, 1)
    const slab = output.bytes
    output.commit()
    expect(wire.slabs.takeSlab().bytes).toBe(slab)
  })
})

describe('a socket wire given slabs', () => {
  it('delivers them in order to a peer that does not read at first, and uses none again before it is sent', async () => {
    const accepted: Socket[] = []
    const server = createServer((socket) => accepted.push(socket.pause())).listen(0, '127.0.0.1')
    cleanup(() => server.close())
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    cleanup(() => socket.destroy())
    await once(socket, 'connect')
    await until(() => accepted.length > 0, 'the connection is accepted')

    const wire = new SocketWire(socket, new SlabPool(), deafReceiver)
    const output = new Output(wire)
    const piece = pattern(SLAB_BYTES - 3)
    let sent = 0
    while (!output.full) {
      piece.writeUInt32BE(sent++, 0)
      output.write(piece, 0, piece.length)
      output.commit()
    }
    const received: Buffer[] = []
    accepted[0]!.on('data', (chunk: Buffer) => received.push(chunk)).resume()
    await until(() => received.reduce((sum, part) => sum + part.length, 0) === sent * piece.length, 'all arrived')
    const all = Buffer.concat(received)
    for (let i = 0; i < sent; i++) {
      piece.writeUInt32BE(i, 0)
      expect(all.subarray(i * piece.length, (i + 1) * piece.length).equals(piece)).toBe(true)
    }
    expect(wire.pending).toBe(0)
    output.drained()
    expect(output.pending).toBe(0)
  })
})

describe('copying by words', () => {
  it('copies every length at every alignment, from the read buffer and from others', () => {
    const slab = new Slab()
    const source = pattern(2048)
    source.copy(READ_BUFFER, READ_BUFFER.length - source.length)
    for (const length of [0, 1, 7, 8, 9, 47, 48, 49, 200, 511, 512, 513, 1500]) {
      for (const offset of [0, 1, 3, 8, source.length - length]) {
        slab.bytes.fill(0xee)
        copyShort(source, offset, length, slab.bytes, slab.view, 5)
        expect(slab.bytes.subarray(5, 5 + length).equals(source.subarray(offset, offset + length))).toBe(true)
        slab.bytes.fill(0xee)
        copyShort(READ_BUFFER, READ_BUFFER.length - source.length + offset, length, slab.bytes, slab.view, 5)
        expect(slab.bytes.subarray(5, 5 + length).equals(source.subarray(offset, offset + length))).toBe(true)
      }
    }
  })

  it('reaches the very end of a slab', () => {
    const [from, to] = [new Slab(), new Slab()]
    from.bytes.fill(7)
    copyWords(from.view, SLAB_BYTES - 13, 13, to.view, SLAB_BYTES - 13)
    expect(to.bytes.subarray(SLAB_BYTES - 13, SLAB_BYTES).every((byte) => byte === 7)).toBe(true)
  })
})
