import { describe, expect, it } from 'vitest'
import { endpointJson } from '../../../src/cli/output/endpoint.js'
import { watchLines } from '../../../src/cli/output/event-document.js'
import { resolveDocument } from '../../../src/cli/output/resolve-document.js'
import type { Registered } from '../../../src/core/registry/record.js'
import { endpoint } from '../../support/balancing.js'

const record = (n: number, load?: number): Registered => ({
  endpoint: endpoint(n, load === undefined ? {} : { load }),
  key: `/ns/web/${n}`,
  lease: 0n,
  createRevision: 1n,
  modRevision: 1n,
})

function wideOf(records: readonly Registered[]) {
  const reading = { service: 'web', revision: 1n, records, skipped: [], places: [] }
  const judged = records.map((each) => ({ record: each }))
  return resolveDocument(reading, judged, { explain: undefined, times: undefined }).wide!
}

describe('a load figure', () => {
  it('is in JSON where there is one', () => {
    expect(endpointJson(record(1, 0.25))).toMatchObject({ load: 0.25 })
    expect(endpointJson(record(1))).not.toHaveProperty('load')
  })

  it('has a column of the wide table where some endpoint has one', () => {
    const table = wideOf([record(1, 0.25), record(2)])
    const at = table.columns.indexOf('load')
    expect(table.rows.map((row) => row[at])).toEqual([0.25, undefined])
    expect(wideOf([record(1)]).columns).not.toContain('load')
  })

  it('is on the line of a change', () => {
    const [line] = watchLines({ type: 'put', service: 'web', revision: 2n, record: record(1, 0.25) }, 'web', 0)
    expect(line!.text).toContain('weight=1 load=0.25')
  })
})
