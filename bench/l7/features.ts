import { type BenchContext, type Row, row, skipped } from '../support/shape.js'
import { LOADS } from './loads.js'
import { startFairlead } from './proxies.js'
import { compare, type Contender, type Session } from './session.js'
import { startWatched } from './watched.js'

const WATCHED = 'while its state is read twice a second'

/** Features that cost something per request, each switched the other way than it is by default. */
const SWITCHES: readonly [name: string, flags: readonly string[]][] = [
  ['without outlier detection', ['--no-outlier']],
  ['without retries', ['--retries', '0']],
  ['with a request timeout', ['--request-timeout', '30s']],
  ['with active health checks', ['--health-check', 'tcp']],
  ['with a hash of a header', ['--policy', 'ring_hash', '--hash-on', 'header:user-agent']],
  ['with a sticky cookie', ['--sticky']],
  ['with peak EWMA', ['--policy', 'peak_ewma']],
  ['with trusted clients', ['--trust', '127.0.0.0/8']],
  [WATCHED, []],
]

/** What each feature costs: CPU per call beside fairlead as it is by default, in the same round. */
export async function featurePrices(session: Session, { rounds, progress, chosen }: BenchContext): Promise<Row[]> {
  const load = { ...LOADS[0]!, requests: 30_000 }
  const switches = SWITCHES.filter(([name]) => chosen('features', name))
  const contenders: Contender[] = [['fairlead', []] as const, ...switches].map(([name, flags]) => ({
    name,
    start: (setup) => (name === WATCHED ? startWatched(setup) : startFairlead(setup, flags)),
  }))
  const samples = await compare(session, load, contenders, rounds, (text) => progress(`features, ${text}`))
  const usual = samples.get('fairlead')
  return switches.map(([name]) => {
    const [title, own] = [`fairlead ${name}`, samples.get(name)]
    if (!own || !usual)
      return skipped(title, session.missing.get(name) ?? session.missing.get('fairlead')!, { unit: '×' })
    return row(
      title,
      own.map(({ microseconds }, i) => microseconds / usual[i]!.microseconds),
      { unit: '×', note: 'of its CPU as it is by default' },
    )
  })
}
