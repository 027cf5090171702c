import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type BenchContext, type Benchmark, missesGoal, type Row } from './shape.js'

interface Result {
  readonly name: string
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
}

/** Runs what the arguments select from the modules, prints figures beside goals, and returns the exit status. */
export async function main(argv: string[], modules: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      check: { type: 'boolean' },
      proxies: { type: 'string' },
      loads: { type: 'string' },
      features: { type: 'string' },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1)
    return usage(`--rounds must be a whole number from 1, not ${values.rounds}`)
  const all = await Promise.all(modules.map(async (url) => ((await import(url)) as { default: Benchmark }).default))
  const names = values.only?.split(',')
  const unknown = names?.find((name) => all.every((benchmark) => benchmark.name !== name))
  if (unknown !== undefined) {
    return usage(`no benchmark ${unknown}; there are ${all.map(({ name }) => name).join(', ')}`)
  }

  const results: Result[] = []
  for (const benchmark of all.filter(({ name }) => names?.includes(name) ?? true)) {
    const progress = (text: string) => process.stderr.write(`${benchmark.name}: ${text}\n`)
    const chosen: BenchContext['chosen'] = (kind, name) => values[kind]?.split(',').includes(name) ?? true
    const notes: string[] = []
    const note = (text: string) => void notes.push(text)
    const rows = await benchmark.run({ rounds, progress, note, chosen })
    results.push({ name: benchmark.name, rows, notes })
    process.stdout.write(`${sectionText(results.at(-1)!)}\n`)
  }
  save(results, rounds)
  return verdict(results, values.check === true)
}

function usage(problem: string): number {
  process.stderr.write(`${problem}\n`)
  return 2
}

function verdict(results: readonly Result[], check: boolean): number {
  const missed = results.flatMap(({ name, rows }) => rows.filter(missesGoal).map((row) => `${name}: ${row.name}`))
  const goals = results.flatMap(({ rows }) => rows).filter(({ goal }) => goal !== undefined).length
  process.stdout.write(`${goals - missed.length} of ${goals} goals met\n`)
  for (const name of missed) process.stdout.write(`missed  ${name}\n`)
  return check && missed.length > 0 ? 1 : 0
}

function save(results: readonly Result[], rounds: number): void {
  const directory = new URL('../results/', import.meta.url)
  mkdirSync(directory, { recursive: true })
  const time = new Date().toISOString()
  const [cpu] = cpus()
  const machine = { cpu: cpu?.model, cores: cpus().length, node: process.version, platform: process.platform }
  const file = new URL(`${time.replaceAll(':', '-')}.json`, directory)
  writeFileSync(file, `${JSON.stringify({ time, machine, rounds, results }, undefined, 2)}\n`)
}

function sectionText({ name, rows, notes }: Result): string {
  const cells = rows.map((row) => [
    row.name,
    row.value === undefined ? 'skipped' : figure(row.value),
    row.unit,
    row.min === undefined || row.max === undefined || row.min === row.max
      ? ''
      : `${figure(row.min)}–${figure(row.max)}`,
    row.goal === undefined ? '' : `${row.better === 'lower' ? '≤' : '≥'} ${figure(row.goal)}`,
    row.goal === undefined || row.value === undefined ? '' : missesGoal(row) ? 'MISSED' : 'met',
    remarks(row),
  ])
  const table = [['FIGURE', 'MEDIAN', 'UNIT', 'MIN–MAX', 'GOAL', '', 'NOTE'], ...cells]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)))
  const lines = table.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join('  '))
  return [`\n${name}`, ...lines.map((line) => `  ${line.trimEnd()}`), ...notes.map((text) => `  ${text}`)].join('\n')
}

function remarks({ note, details = {} }: Row): string {
  const figures = Object.entries(details).map(([what, value]) => `${figure(value)} ${what}`)
  return [...figures, ...(note === undefined ? [] : [note])].join(', ')
}

/** Three significant digits, no exponent. */
function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
