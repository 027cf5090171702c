import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nameOf } from '../../../../src/core/proxy/http/names.js'
import { DynamicTable, ENTRY_OVERHEAD, TABLE_SIZE } from '../../../../src/core/proxy/http2/hpack/dynamic-table.js'

const NAME = nameOf('x')

/** The table of RFC 7541 §4 as a list. */
class Model {
  entries: { octets: Buffer; size: number }[] = []
  capacity = TABLE_SIZE

  insert(octets: Buffer, size: number): void {
    this.entries.unshift({ octets, size })
    this.evict()
  }

  evict(): void {
    let size = 0
    const kept = this.entries.findIndex((entry) => (size += entry.size) > this.capacity)
    if (kept >= 0) this.entries.length = kept
  }
}

/** An insertion of so many octets of a block that count for up to 31 more than needed, or a capacity. */
const step = fc.oneof(
  { arbitrary: fc.record({ length: fc.nat(60), more: fc.nat(20) }), weight: 8 },
  { arbitrary: fc.record({ length: fc.nat(4100), more: fc.nat(20) }), weight: 3 },
  { arbitrary: fc.record({ length: fc.constant(0), more: fc.constant(0) }), weight: 2 },
  { arbitrary: fc.nat(TABLE_SIZE), weight: 1 },
)

describe('the dynamic table', () => {
  it('holds what a list of fields would hold, octet for octet', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 250 }), (steps) => {
        const table = new DynamicTable()
        const model = new Model()
        let serial = 0
        for (const each of steps) {
          if (typeof each === 'number') {
            model.capacity = each
            model.evict()
            table.resize(each)
          } else {
            const octets = Buffer.alloc(each.length + 16, ++serial)
            const size = each.length + each.more + ENTRY_OVERHEAD
            model.insert(octets.subarray(0, each.length), size)
            const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
            table.insert(NAME, 1, serial, size, view, 0, each.length)
          }
          expect(table.count).toBe(model.entries.length)
        }
        model.entries.forEach(({ octets, size }, age) => {
          const entry = table.get(age)!
          expect(entry.size).toBe(size)
          const { buffer, byteOffset } = table.view
          expect(Buffer.from(buffer, byteOffset + entry.offset, entry.length).equals(octets)).toBe(true)
        })
        expect(table.get(model.entries.length)).toBeUndefined()
      }),
      { numRuns: 400, seed: 2 },
    )
  })
})
