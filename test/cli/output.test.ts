import { PassThrough } from 'node:stream'
import { Chalk } from 'chalk'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Document, OutputFormat } from '../../src/cli/output/document.js'
import { chalkFor } from '../../src/cli/output/color.js'
import { Printer } from '../../src/cli/output/printer.js'
import { tableText } from '../../src/cli/output/table.js'

const HOSTILE = 'x\u001b]0;owned\u0007\u202e\u009b1m'

async function printed(format: OutputFormat, act: (printer: Printer) => Promise<void>): Promise<string> {
  const stream = new PassThrough()
  await act(new Printer(format, new Chalk({ level: 0 }), stream as unknown as NodeJS.WriteStream))
  return String(stream.read() ?? '')
}

const document: Document = {
  json: { service: 'web', revision: 42n, zone: undefined, hostile: HOSTILE },
  ndjson: [{ n: 1 }, { n: 2 }],
  table: {
    columns: ['service', 'zone'],
    rows: [
      ['web', undefined],
      [HOSTILE, { text: 'b', color: 'red' }],
    ],
  },
  plain: ['web', HOSTILE],
}

describe('documents', () => {
  it('as JSON carry the schema version and bigints as strings, on one line', async () => {
    const text = await printed('json', (printer) => printer.print(document))
    expect(text).toMatch(/^\{"schemaVersion":1,"service":"web","revision":"42",.*\}\n$/)
    expect(JSON.parse(text)).toEqual({ schemaVersion: 1, service: 'web', revision: '42', hostile: HOSTILE })
  })

  it('as NDJSON have one line an item, each with the schema version', async () => {
    const text = await printed('ndjson', (printer) => printer.print(document))
    expect(text).toBe('{"schemaVersion":1,"n":1}\n{"schemaVersion":1,"n":2}\n')
  })

  it('as YAML mean the same as in JSON', async () => {
    const text = await printed('yaml', (printer) => printer.print(document))
    expect(parse(text)).toEqual({ schemaVersion: 1, service: 'web', revision: '42', hostile: HOSTILE })
  })

  it('as a table have aligned columns and a dash for nothing', async () => {
    const text = await printed('table', (printer) =>
      printer.print({ ...document, table: { ...document.table!, rows: [['web', undefined]] } }),
    )
    expect(text).toBe('SERVICE   ZONE\nweb       -\n')
  })

  it('as plain lines are bare; a table without plain lines has tabs', async () => {
    const { plain: _, ...rest } = document
    expect((await printed('plain', (printer) => printer.print(document))).split('\n')[0]).toBe('web')
    expect((await printed('plain', (printer) => printer.print(rest))).split('\n')[0]).toBe('web\t-')
  })

  it.each(['table', 'json', 'ndjson', 'plain', 'yaml'] as const)(
    'as %s let nothing through to a terminal',
    async (format) => {
      const one = await printed(format, (printer) => printer.print(document))
      const stream = await printed(format, (printer) => printer.emit({ hostile: HOSTILE }, HOSTILE))
      for (const text of [one, stream]) {
        expect(text).not.toBe('')
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
      }
    },
  )
})

describe('tables', () => {
  it('align wide characters by what they take on a terminal', async () => {
    const table = {
      columns: ['a', 'b'],
      rows: [
        ['漢字', 'x'],
        ['abcd', 'y'],
      ],
    }
    expect(await tableText(table, new Chalk({ level: 0 }))).toBe('A      B\n漢字   x\nabcd   y')
  })
})

describe('colour', () => {
  const level = (isTTY: boolean, env: NodeJS.ProcessEnv, noColor = false) =>
    chalkFor({ isTTY } as NodeJS.WriteStream, noColor, env).level

  it('is for terminals, unless somebody says otherwise', () => {
    expect(level(true, {})).toBe(1)
    expect(level(false, {})).toBe(0)
    expect(level(true, { TERM: 'dumb' })).toBe(0)
    expect(level(true, { NO_COLOR: '1' })).toBe(0)
    expect(level(true, { FORCE_COLOR: '1' }, true)).toBe(0)
    expect(level(false, { FORCE_COLOR: '1' })).toBe(1)
    expect(level(true, { FORCE_COLOR: '0' })).toBe(0)
    expect(level(true, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(0)
  })
})
