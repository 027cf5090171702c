import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { GithubAnnotations } from '../../src/cli/annotate/github.js'
import { markdownTable } from '../../src/cli/annotate/markdown.js'
import { workflowCommand } from '../../src/cli/annotate/workflow-command.js'

describe('a workflow command', () => {
  it('escapes what the runner would take for its own', () => {
    expect(workflowCommand('error', 'a:b,c%', '100%: x, y\nz')).toBe('::error title=a%3Ab%2Cc%25::100%25: x, y%0Az')
  })

  it('is one line, whatever a registry holds', () => {
    const hostile = 'x\r::warning title=y::z\u001b[2J\u202e\u2028::stop-commands::t'
    const line = workflowCommand('warning', hostile, hostile)
    expect(line).not.toMatch(/[\p{Cc}\p{Zl}\u202e]/u)
    expect(line.slice('::warning '.length).split('::')[0]).toContain('title=x\\x0d%3A%3Awarning title=y%3A%3Az')
  })
})

describe('a table in Markdown', () => {
  it('has a heading, a row of headings and the cells', () => {
    const table = { columns: ['a', 'b'], rows: [['x', { text: 'y', color: 'red' as const }], [1]] }
    expect(markdownTable('fairlead doctor', table)).toBe(
      '### <code>fairlead doctor</code>\n\n| a | b |\n| --- | --- |\n| x | y |\n| 1 | - |\n\n',
    )
  })

  it('lets nothing through that means something in Markdown or HTML', () => {
    const table = { columns: ['a'], rows: [['|<img src=x>`a`\n**b** [c](d) \\| ~e~ &amp;']] }
    const [, , , , row] = markdownTable('<b>', table).split('\n')
    expect(row).toBe('| \\|&lt;img src=x&gt;\\`a\\`\\\\x0a\\*\\*b\\*\\* \\[c\\](d) \\\\\\| \\~e\\~ &amp;amp; |')
    expect(markdownTable('<b>', table)).toContain('<code>&lt;b&gt;</code>')
  })

  it('stays small, and says what is left out', () => {
    const rows = Array.from({ length: 3000 }, () => ['x'.repeat(5000)])
    const text = markdownTable('x', { columns: ['a'], rows })
    expect(text.length).toBeLessThan(1024 * 1024)
    expect(text).toContain('… and 2500 more')
    expect(markdownTable('x', { columns: ['a'], rows: [], empty: 'nothing is wrong' })).toContain('nothing is wrong')
  })
})

describe('annotations', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-annotate-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('are as many as GitHub shows of each level', () => {
    const lines: string[] = []
    const annotations = new GithubAnnotations({ summaryFile: undefined, writeLine: (line) => lines.push(line) })
    for (let i = 0; i < 15; i++) annotations.tell('warning', 'w', String(i))
    annotations.tell('error', 'e', 'x')
    expect(lines.length).toBe(11)
    expect(lines.at(-1)).toBe('::error title=e::x')
  })

  it('append tables to the summary, where there is one', async () => {
    const summaryFile = join(folder, 'summary.md')
    const annotations = new GithubAnnotations({ summaryFile, writeLine: () => undefined })
    await annotations.summarize('one', { columns: ['a'], rows: [['x']] })
    await annotations.summarize('two', { columns: ['a'], rows: [['y']] })
    expect(readFileSync(summaryFile, 'utf8')).toMatch(/one[^]*\| x \|[^]*two[^]*\| y \|/)
    await new GithubAnnotations({ summaryFile: undefined, writeLine: () => undefined }).summarize('', {
      columns: [],
      rows: [],
    })
  })
})
