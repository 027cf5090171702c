import { describe, expect, it } from 'vitest'
import { cellText } from '../../../src/cli/output/document.js'
import { withShareBars } from '../../../src/cli/output/share-bars.js'

const share = (address: string, share: number, expected: number) => ({ address, weight: 1, picks: 0, share, expected })
const SHARES = [share('a:1', 0.8, 0.5), share('b:1', 0.2, 0.5)]
const TABLE = { columns: ['what', 'share'], rows: [['a:1', '80%'], ['b:1', '20%'], ['policy']] }

describe('bars of shares', () => {
  it('show the share and mark the expected one, scaled to the largest', () => {
    const { columns, rows } = withShareBars(TABLE, SHARES, 80)
    expect(columns.at(-1)).toBe('━ share, ╎ expected')
    expect(cellText(rows[0]!.at(-1))).toBe(`${'━'.repeat(25)}╎${'━'.repeat(14)}`)
    expect(cellText(rows[1]!.at(-1))).toBe(`${'━'.repeat(10)}${' '.repeat(15)}╎`)
    expect(rows[2]).toEqual(['policy'])
  })

  it('keep to the width of the terminal, and stay away where there is no room', () => {
    const { rows } = withShareBars(TABLE, SHARES, 36)
    const widest = rows.map((row) => cellText(row.at(-1)).length)
    expect(Math.max(...widest)).toBe(36 - 'policy   share   '.length - 1)
    expect(withShareBars(TABLE, SHARES, 25)).toBe(TABLE)
  })
})
