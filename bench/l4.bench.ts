import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from './l4/load.js'
import { type ComparedProxy, PROXIES } from './l4/proxies.js'
import { cpuMicroseconds, type Started, startProcess } from './support/processes.js'
import { type Benchmark, type BenchContext, type Row, row, skipped } from './support/shape.js'

const ECHO_SERVER = fileURLToPath(new URL('l4/echo-server.mjs', import.meta.url))

/** What is counted: CPU microseconds of the proxy per message, connection or megabyte. */
interface Load {
  readonly kind: 'message' | 'connection' | 'bulk'
  readonly count: number
  readonly concurrency: number
  readonly unitsPerCount: number
  readonly unit: string
  readonly warmUp: number
}

const LOADS: readonly Load[] = [
  { kind: 'message', count: 40_000, concurrency: 32, unitsPerCount: 1, unit: 'µs', warmUp: 40_000 },
  { kind: 'connection', count: 4000, concurrency: 16, unitsPerCount: 1, unit: 'µs', warmUp: 8000 },
  { kind: 'bulk', count: 24, concurrency: 4, unitsPerCount: 16.777216, unit: 'µs/MB', warmUp: 16 },
]

type Cpu = Map<string, number[]>

const benchmark: Benchmark = {
  name: 'l4',
  async run(context) {
    if (process.platform !== 'linux') return [skipped('CPU per unit', 'reads /proc, which is Linux', { unit: 'µs' })]
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-bench-'))
    const started: Started[] = []
    const missing = new Map<string, string>()
    try {
      const echo = await startProcess(process.execPath, [ECHO_SERVER], { read: Number })
      started.push(echo)
      const running = new Map<string, Started>()
      for (const proxy of PROXIES) {
        const process = await proxy.start(echo.port, directory).catch((error: Error) => error)
        if (process instanceof Error) missing.set(proxy.name, process.message)
        else {
          running.set(proxy.name, process)
          started.push(process)
        }
      }
      const own = missing.get('fairlead')
      if (own !== undefined) throw new Error(own)
      const rows: Row[] = []
      for (const load of LOADS) rows.push(...rowsOf(load, await measure(load, running, context), missing))
      return rows
    } finally {
      await Promise.all(started.map((process) => process.stop()))
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

/** CPU microseconds per unit of every proxy and round. Within a round the proxies take turns, in changing order. */
async function measure(
  kind: Load,
  running: ReadonlyMap<string, Started>,
  { rounds, progress }: BenchContext,
): Promise<Cpu> {
  const cpu: Cpu = new Map([...running.keys()].map((name) => [name, []]))
  for (const { port } of running.values()) await load(port, kind.kind, kind.warmUp, kind.concurrency)
  for (let round = 0; round < rounds; round++) {
    progress(`${kind.kind}, round ${round + 1} of ${rounds}`)
    const order = [...running]
    for (const [name, { pid, port }] of round % 2 === 0 ? order : order.reverse()) {
      const before = cpuMicroseconds(pid)
      await load(port, kind.kind, kind.count, kind.concurrency)
      cpu.get(name)!.push((cpuMicroseconds(pid) - before) / (kind.count * kind.unitsPerCount))
    }
  }
  return cpu
}

function rowsOf({ kind, unit }: Load, cpu: Cpu, missing: ReadonlyMap<string, string>): Row[] {
  const own = cpu.get('fairlead')!
  const of = (name: ComparedProxy['name']) => {
    const values = cpu.get(name)
    return values
      ? row(`${kind}: ${name}`, values, { unit })
      : skipped(`${kind}: ${name}`, missing.get(name)!, { unit })
  }
  const goals = {
    message: { name: 'CPU per small message', goal: 1.4 },
    connection: { name: 'CPU per new connection', goal: 2.2 },
    bulk: { name: 'bulk bytes per CPU second', goal: 0.6 },
  }
  const { name, goal } = goals[kind]
  const options = { unit: '×', goal, better: kind === 'bulk' ? ('higher' as const) : ('lower' as const) }
  const haproxy = cpu.get('HAProxy')
  const ratios = haproxy?.map((theirs, i) => (kind === 'bulk' ? theirs / own[i]! : own[i]! / theirs))
  const title = `${name} / HAProxy`
  const compared = ratios ? row(title, ratios, options) : skipped(title, missing.get('HAProxy')!, options)
  return [of('fairlead'), of('HAProxy'), of('nginx'), compared]
}

export default benchmark
