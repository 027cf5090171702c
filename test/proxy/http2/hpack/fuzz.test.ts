import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Head } from '../../../../src/core/proxy/http/head.js'
import { Role, Verdict } from '../../../../src/core/proxy/http2/hpack/decoder.js'
import { GET, indexed, inserted, never, OK, plain, resized } from '../../../support/hpack-literals.js'
import { TestDecoder } from './test-decoder.js'

const pieces = fc.oneof(
  fc.nat(140).map(indexed),
  fc.nat(4200).map(resized),
  fc
    .tuple(fc.constantFrom(inserted, plain, never), fc.oneof(fc.string({ maxLength: 20 }), fc.nat(90)), fc.string())
    .map(([write, name, value]) => write(name, value)),
  fc.uint8Array({ maxLength: 12 }).map((octets) => Buffer.from(octets)),
)
const block = fc.array(pieces, { maxLength: 60 }).map((parts) => Buffer.concat(parts))
const role = fc.constantFrom(Role.REQUEST, Role.RESPONSE, Role.TRAILERS)

const START = { [Role.REQUEST]: GET, [Role.RESPONSE]: OK, [Role.TRAILERS]: Buffer.alloc(0) }

function facts({ method, isGrpc, timeoutMs, status, grpcStatus, contentLength }: Head): unknown[] {
  return [method, isGrpc, timeoutMs, status, grpcStatus, contentLength]
}

/** An octet changed, added or taken away. */
const mutation = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), octet: fc.nat(255), kind: fc.nat(2) })

describe('any octets', () => {
  it('end in a verdict, and in a block that can be read if it is OK', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(block, role), { maxLength: 12 }), (sections) => {
        const decoder = new TestDecoder()
        for (const [octets, kind] of sections) {
          const { verdict, fields } = decoder.decode(octets, kind)
          expect(Object.values(Verdict)).toContain(verdict)
          for (const [name, value] of fields) {
            expect(name).toMatch(/^:?[a-z0-9!#$%&'*+.^_`|~-]+$/)
            expect(value).not.toMatch(/[\0-\x08\x0a-\x1f\x7f]|^[\t ]|[\t ]$/)
          }
          if (verdict === Verdict.COMPRESSION_ERROR) return
        }
      }),
      { numRuns: 1000, seed: 7541 },
    )
  })

  it('mean the same however often they came before', () => {
    const sections = fc.array(fc.tuple(block, role), { minLength: 1, maxLength: 6 })
    const order = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(sections, order, (sections, order) => {
        const [plainly, remembering] = [new TestDecoder(), new TestDecoder({}, false, true)]
        for (const place of order) {
          const [octets, kind] = sections[place % sections.length]!
          // Half of the sections begin like a message in order: most of the others are refused.
          const section = place % 2 === 0 ? Buffer.concat([START[kind], octets]) : octets
          const expected = plainly.decode(section, kind)
          const { verdict, fields, head } = remembering.decode(section, kind)
          expect({ verdict, fields }).toEqual({ verdict: expected.verdict, fields: expected.fields })
          if (verdict === Verdict.COMPRESSION_ERROR) return
          if (verdict === Verdict.OK) expect(facts(head)).toEqual(facts(expected.head))
        }
      }),
      { numRuns: 1000, seed: 1132 },
    )
  })

  it('made of good ones, too', () => {
    const good = Buffer.concat([
      indexed(2),
      indexed(6),
      plain(4, '/path'),
      inserted(1, 'example.com'),
      inserted('x-request-id', '123456'),
      never('authorization', 'Bearer x'),
      Buffer.from('408825a849e95ba97d7f8925a849e95bb8e8b4bf', 'hex'),
      indexed(62),
    ])
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (mutations) => {
        let octets = [...good]
        for (const { at, octet, kind } of mutations) {
          const place = Math.floor(at * (octets.length - 1))
          octets = octets.toSpliced(place, kind === 1 ? 0 : 1, ...(kind === 2 ? [] : [octet]))
        }
        const decoder = new TestDecoder()
        const { verdict } = decoder.decode(Buffer.from(octets))
        expect(Object.values(Verdict)).toContain(verdict)
        // Whatever it was, the table is that of the peer: what follows is understood, or refused the same each time.
        if (verdict !== Verdict.COMPRESSION_ERROR)
          expect(decoder.decode(good).verdict).toBe(decoder.decode(good).verdict)
      }),
      { numRuns: 2000, seed: 9113 },
    )
  })
})
