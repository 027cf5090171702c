import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { POLICY_NAMES, type PolicyName } from '../src/core/balancer/policies/index.js'
import { type PickTimes, SIZES } from './support/pick-worker.js'
import { type Benchmark, type Row, row } from './support/shape.js'

const WORKER = fileURLToPath(new URL('./support/pick-worker.ts', import.meta.url))

/** Nanoseconds a pick may take; least_connections is bound by O(log n) instead. */
const GOALS: Readonly<Partial<Record<PolicyName, number>>> = {
  round_robin: 50,
  random: 50,
  weighted_random: 50,
  least_request: 50,
  weighted_round_robin: 100,
  peak_ewma: 150,
  maglev: 200,
  ring_hash: 350,
}

const NOTES: Readonly<Partial<Record<PolicyName, string>>> = {
  least_connections: 'with the start and end of the request',
  least_request: 'equal weights, as in gRFC A48',
}

/** Times one policy in a process of its own: a program uses one, and the engine compiles for that. */
async function measure(policy: PolicyName, rounds: number, weights: 'equal' | 'mixed'): Promise<PickTimes> {
  const child = fork(WORKER, [policy, String(rounds), weights], { execArgv: ['--import', 'tsx'] })
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the worker for ${policy} ended with ${code}`)
  })
  const [times] = (await Promise.race([once(child, 'message'), failed])) as [PickTimes]
  failed.catch(() => undefined)
  return times
}

function rowsOf(policy: PolicyName, { picks, builds }: PickTimes): Row[] {
  const goal = GOALS[policy]
  const [least, , most] = SIZES
  const growth = picks[most]!.map((time, round) => time / picks[least]![round]!)
  // A heap of 10,000 is four times as high as one of 10 and less at hand in memory; a look at each would be 1000 times.
  const tree = policy === 'least_connections'
  const note = NOTES[policy]
  const options = { unit: 'ns', ...(goal === undefined ? {} : { goal }), ...(note === undefined ? {} : { note }) }
  return [
    ...SIZES.map((size) => row(`${policy}, ${size} endpoints`, picks[size]!, options)),
    row(`${policy}, ${most} over ${least}`, growth, { unit: '×', goal: tree ? 8 : 2 }),
    row(`${policy}, build for ${most}`, builds, { unit: 'ms' }),
  ]
}

const benchmark: Benchmark = {
  name: 'pick',
  async run({ rounds, progress }) {
    const rows: Row[] = []
    for (const policy of POLICY_NAMES) {
      progress(policy)
      rows.push(...rowsOf(policy, await measure(policy, rounds, policy === 'least_request' ? 'equal' : 'mixed')))
    }
    const weighted = await measure('least_request', rounds, 'mixed')
    for (const size of SIZES) {
      rows.push(row(`least_request by weight, ${size} endpoints`, weighted.picks[size]!, { unit: 'ns' }))
    }
    return rows
  },
}

export default benchmark
