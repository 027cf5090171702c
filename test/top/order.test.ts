import { describe, expect, it } from 'vitest'
import { firstShown, linesOf, type Selection } from '../../src/top/order.js'
import { ONE, TWO } from './support/boards.js'

const PLAIN: Selection = { focus: undefined, sort: 'listed', reversed: false, filter: '' }
const [FIRST, SECOND] = TWO.sections.map(({ key }) => key)

function addresses(changes: Partial<Selection>, board = ONE): string[] {
  return linesOf(board, { ...PLAIN, ...changes }).map((line) =>
    line.kind === 'row' ? line.row.address.replace(/^10\.0\.0\.(\d):8080$/, '$1') : line.section.service,
  )
}

describe('linesOf', () => {
  it('lists one service without a heading, several with one each', () => {
    expect(addresses({})).toEqual(['5', '6', '7', '8'])
    expect(addresses({}, TWO)).toEqual(['greeter', '5', '6', '7', '8', 'web', '5', '6', '7', '8'])
    expect(addresses({ focus: SECOND }, TWO)).toEqual(['5', '6', '7', '8'])
    expect(linesOf(TWO, { ...PLAIN, focus: SECOND })[0]!.section.service).toBe('web')
    expect(FIRST).not.toBe(SECOND)
  })

  it('shows all where the one that was asked for has gone', () => {
    expect(addresses({ focus: 'gone' }, TWO)).toHaveLength(10)
  })

  it.each([
    ['share', ['5', '6', '7', '8']],
    ['rate', ['5', '6', '7', '8']],
    ['weight', ['5', '6', '8', '7']],
    ['ok', ['7', '5', '6', '8']],
    ['p99', ['5', '6', '7', '8']],
    ['flight', ['5', '6', '7', '8']],
    ['state', ['8', '7', '5', '6']],
  ] as const)('sorts by %s, the worst or most first', (sort, expected) => {
    expect(addresses({ sort })).toEqual(expected)
  })

  it('turns the order round, but leaves what is not known at the end', () => {
    expect(addresses({ reversed: true })).toEqual(['8', '7', '6', '5'])
    expect(addresses({ sort: 'share', reversed: true })).toEqual(['8', '7', '6', '5'])
    expect(addresses({ sort: 'ok', reversed: true })).toEqual(['5', '6', '7', '8'])
  })

  it('filters by words of address, zone, state and service', () => {
    expect(addresses({ filter: '0.7' })).toEqual(['7'])
    expect(addresses({ filter: 'EJECT' })).toEqual(['8'])
    expect(addresses({ filter: 'warming 0.7' })).toEqual(['7'])
    expect(addresses({ filter: 'warming 0.6' })).toEqual([])
    expect(addresses({ filter: 'web 0.5' }, TWO)).toEqual(['greeter', 'web', '5'])
    expect(addresses({ filter: '  ' })).toHaveLength(4)
  })
})

describe('firstShown', () => {
  it('keeps the selected line in sight', () => {
    for (const [count, height] of [
      [1000, 13],
      [13, 13],
      [5, 13],
      [14, 13],
    ] as const) {
      for (let selected = 0; selected < count; selected++) {
        const first = firstShown(count, selected, height)
        expect(first).toBeGreaterThanOrEqual(0)
        expect(first).toBeLessThanOrEqual(Math.max(0, count - height))
        expect(selected).toBeGreaterThanOrEqual(first)
        expect(selected).toBeLessThan(first + height)
      }
    }
  })
})
