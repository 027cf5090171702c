import { readFileSync } from 'node:fs'
import { program } from './processes.js'

/** Which cores the two sides of a benchmark run on. */
export interface Cores {
  /** What is measured: one core. */
  readonly proxy: number | undefined
  /** Load generator and backends. */
  readonly load: number | undefined
  /** How it was shared out, for a reader of the figures. */
  readonly note: string
}

/** One core for what is measured and another one for the rest, where this process may use two and `taskset` is installed. */
export function shareCores(): Cores {
  const cores = allowedCores()
  try {
    program('taskset')
  } catch {
    return { proxy: undefined, load: undefined, note: 'processes not pinned: taskset is not installed' }
  }
  const [proxy, load = proxy] = cores
  const note =
    cores.length > 1
      ? `proxy on core ${proxy}, load and backends on core ${load}`
      : 'one core for proxy, load and backends'
  return { proxy, load, note }
}

/** A command line that runs on a core. */
export function pinned(core: number | undefined, command: string, args: readonly string[]): [string, string[]] {
  if (core === undefined) return [command, [...args]]
  return [program('taskset'), ['-c', String(core), command, ...args]]
}

function allowedCores(): number[] {
  const [, list = '0'] = /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i)
  })
}
