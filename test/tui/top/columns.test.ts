import { describe, expect, it } from 'vitest'
import { type Columns, columnsFor, MARK_WIDTH, widestOf } from '../../../src/tui/top/columns.js'
import { ONE } from '../../top/support/boards.js'

const WIDEST = { address: 15, zone: 1, weight: 1, flight: 3 }

function taken(columns: Columns): number {
  return [...columns.values()].reduce((sum, width) => sum + width, 0) + columns.size - 1
}

describe('columnsFor', () => {
  it.each([true, false])(
    'fills the width exactly, from where there is room for anything (traffic: %s)',
    (hasTraffic) => {
      for (let width = 50; width <= 300; width++) {
        expect(taken(columnsFor(width, hasTraffic, WIDEST))).toBe(width - MARK_WIDTH)
      }
      for (let width = 1; width < 50; width++) {
        expect(taken(columnsFor(width, hasTraffic, WIDEST))).toBeLessThanOrEqual(width - MARK_WIDTH)
      }
    },
  )

  it('has at 80 columns what matters at a glance', () => {
    const columns = columnsFor(80, true, WIDEST)
    expect([...columns.keys()]).toEqual([
      ...['address', 'weight', 'bar', 'share', 'rate', 'trend', 'ok', 'p99', 'flight', 'status'],
    ])
    expect(columns.get('bar')).toBeGreaterThanOrEqual(10)
    expect(columns.get('status')).toBeGreaterThanOrEqual(11)
  })

  it('shows more with more room', () => {
    expect([...columnsFor(160, true, WIDEST).keys()]).toEqual([
      ...[
        'address',
        'zone',
        'weight',
        'bar',
        'share',
        'rate',
        'trend',
        'ok',
        'p50',
        'p95',
        'p99',
        'latency',
        'flight',
        'status',
      ],
    ])
    expect(columnsFor(160, true, { ...WIDEST, zone: 0 }).has('zone')).toBe(false)
    expect(columnsFor(200, true, { ...WIDEST, address: 47 }).get('address')).toBe(47)
  })

  it('keeps the address and its state to the last', () => {
    expect([...columnsFor(34, true, WIDEST).keys()]).toEqual(['address', 'share', 'status'])
  })
})

describe('widestOf', () => {
  it('looks at all that is shown', () => {
    expect(widestOf(ONE.sections)).toEqual({ address: 13, zone: 1, weight: 1, flight: 3 })
    expect(widestOf([])).toMatchObject({ zone: 0, weight: 1 })
  })
})
