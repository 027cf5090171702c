import { RUN_JS, startRegistryProcess, wallTime } from './support/cli.js'
import { type Benchmark, row } from './support/shape.js'

const SAMPLES_PER_ROUND = 4

/** What starting costs beside starting Node itself, whose share is most of it. */
const benchmark: Benchmark = {
  name: 'startup',
  async run({ rounds, progress }) {
    const registry = await startRegistryProcess()
    const env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
    const [bare, version, resolve]: [number[], number[], number[]] = [[], [], []]
    try {
      await wallTime([RUN_JS, 'register', 'web', '127.0.0.1:8080', '--permanent'], env)
      for (let i = 0; i < rounds * SAMPLES_PER_ROUND; i++) {
        if (i % SAMPLES_PER_ROUND === 0) progress(`round ${i / SAMPLES_PER_ROUND + 1} of ${rounds}`)
        bare.push(await wallTime(['-e', '0']))
        version.push(await wallTime([RUN_JS, '--version']))
        resolve.push(await wallTime([RUN_JS, 'resolve', 'web'], env))
      }
    } finally {
      await registry.close()
    }
    const ratio = (times: readonly number[]) => times.map((time, i) => time / bare[i]!)
    return [
      row('node -e 0', bare, { unit: 'ms' }),
      row('fairlead --version', version, { unit: 'ms' }),
      row('fairlead resolve', resolve, { unit: 'ms' }),
      row('--version / node -e 0', ratio(version), { unit: '×', goal: 2.5 }),
      row('resolve / node -e 0', ratio(resolve), { unit: '×', goal: 5 }),
    ]
  },
}

export default benchmark
