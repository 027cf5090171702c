import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Benchmark, row } from './support/shape.js'

const RUN_JS = fileURLToPath(new URL('../bin/run.js', import.meta.url))

/** Wall time of a Node process from spawn to exit, milliseconds. */
async function wallTime(args: readonly string[]): Promise<number> {
  const begin = performance.now()
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`node ${args.join(' ')} exited with ${code}`)
  return performance.now() - begin
}

const benchmark: Benchmark = {
  name: 'startup',
  async run({ rounds, progress }) {
    const bare: number[] = []
    const version: number[] = []
    for (let i = 0; i < rounds * 4; i++) {
      if (i % 4 === 0) progress(`round ${i / 4 + 1} of ${rounds}`)
      bare.push(await wallTime(['-e', '0']))
      version.push(await wallTime([RUN_JS, '--version']))
    }
    const ratio = (times: readonly number[]) => times.map((time, i) => time / bare[i]!)
    return [
      row('node -e 0', bare, { unit: 'ms' }),
      row('fairlead --version', version, { unit: 'ms' }),
      row('--version / node -e 0', ratio(version), { unit: '×', goal: 2.5 }),
    ]
  },
}

export default benchmark
