import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { indexed, inserted, plain } from '../../support/hpack-literals.js'
import type { RawHttp2 } from '../../support/raw-http2.js'
import { continuation, Flag, type Frame, headers, Type } from '../../support/raw-http2.js'
import { cleanUp } from '../support.js'
import { GET, startVictim, type Victim } from './victim.js'

afterEach(cleanUp)

const STATUS_431 = Buffer.from('431')

/** A header section of any size, in HEADERS and CONTINUATION. */
function section(id: number, block: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < block.length; at += 16_000) pieces.push(block.subarray(at, at + 16_000))
  const end = (i: number) => (i === pieces.length - 1 ? Flag.END_HEADERS : 0)
  return pieces.map((piece, i) =>
    i === 0 ? headers(id, piece, Flag.END_STREAM | end(i)) : continuation(id, piece, end(i)),
  )
}

/** CVE-2016-6581 and CVE-2026-49975: few octets that stand for many fields, or for large ones. */
const BOMBS: readonly (readonly [name: string, fuse: Buffer, bomb: Buffer])[] = [
  ['one large field again and again', inserted('x-bomb', 'b'.repeat(4000)), Buffer.alloc(4000, 0x80 | 62)],
  ['thousands of small fields', inserted('x', ''), Buffer.alloc(16_000, 0x80 | 62)],
  ['thousands of crumbs of a cookie', inserted('cookie', 'a'), Buffer.alloc(16_000, 0x80 | 62)],
  ['thousands of fields of the static table', Buffer.alloc(0), Buffer.alloc(16_000, 0x80 | 16)],
  ['thousands of literals', Buffer.alloc(0), Buffer.concat(Array.from({ length: 4000 }, () => plain('x', '')))],
]

async function refused(attacker: RawHttp2, id: number): Promise<Frame> {
  return attacker.next((frame) => frame.id === id && (frame.type === Type.HEADERS || frame.type === Type.RST_STREAM))
}

describe('a header section that unpacks to', () => {
  it.each(BOMBS)('%s reaches no backend and costs others nothing', async (_, fuse, bomb) => {
    const victim = await startVictim()
    await victim.unharmedBy(async () => {
      // A window of 0 is to hold fast whatever is answered with a body.
      const attacker = await victim.attacker([4, 0])
      attacker.send(headers(1, Buffer.concat([GET, fuse])))
      for (let id = 3; id < 100; id += 2) attacker.send(...section(id, Buffer.concat([GET, bomb])))
      const { type, payload } = await refused(attacker, 99)
      if (type === Type.HEADERS) expect(payload.includes(STATUS_431)).toBe(true)
    })
    expect(victim.backend.attacked).toBeLessThanOrEqual(1)
  })

  it('as many fields as allowed reaches the backend', async () => {
    const victim = await startVictim()
    const attacker = await victim.attacker()
    attacker.send(headers(1, Buffer.concat([GET, Buffer.alloc(90, 0x80 | 16)])))
    await eventually(() => victim.backend.attacked === 1)
    attacker.send(headers(3, Buffer.concat([GET, Buffer.alloc(97, 0x80 | 16)])))
    await refused(attacker, 3)
    expect(victim.backend.attacked).toBe(1)
  })

  it('an index that is none ends the connection, and only that', async () => {
    const victim: Victim = await startVictim()
    await victim.unharmedBy(async () => {
      for (let i = 0; i < 50; i++) {
        const attacker = await victim.attacker()
        attacker.send(headers(1, Buffer.concat([GET, indexed(70)])))
        expect(await attacker.closed()).toBe(9)
      }
    })
  })
})
