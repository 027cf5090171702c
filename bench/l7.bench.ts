import { addedLatency } from './l7/latency.js'
import { idleMemory } from './l7/idle.js'
import { LOADS, type Load } from './l7/loads.js'
import { featurePrices } from './l7/features.js'
import { PROXIES } from './l7/proxies.js'
import { compare, type Contender, type Sample, Session } from './l7/session.js'
import { residentBytes } from './support/processes.js'
import { type Benchmark, type BenchContext, quantile, type Row, row, skipped } from './support/shape.js'

const SET_UP =
  'Every proxy has one thread and two backends, keeps no log and adds x-forwarded-for. CPU is user and system time of its processes from schedstat, loopback work of the kernel included.'
const NOT_MEASURED =
  'Not measured: TLS, HTTP/2 to HTTP/1.1, request bodies of more than a frame, real networks, several workers, busy neighbours. Envoy takes part where it is in PATH.'

/** CPU time of proxies per request, HTTP/2 and HTTP/1.1, side by side. `--loads` and `--proxies` choose from it. */
const benchmark: Benchmark = {
  name: 'l7',
  async run(context) {
    if (process.platform !== 'linux') return [skipped('CPU per call', 'reads /proc, which is Linux', { unit: 'µs' })]
    const session = new Session()
    try {
      context.note(`Set-up: ${session.cores.note}. ${SET_UP}`)
      context.note(NOT_MEASURED)
      const contenders = PROXIES.filter(({ name }) => context.chosen('proxies', name))
      const rows: Row[] = []
      for (const load of LOADS.filter(({ name }) => context.chosen('loads', name))) {
        rows.push(...(await loadRows(session, load, contenders, context)))
      }
      if (context.chosen('loads', 'latency')) rows.push(...(await addedLatency(session, contenders, context)))
      if (context.chosen('loads', 'idle')) rows.push(...(await idleMemory(session, contenders, context)))
      if (context.chosen('loads', 'features')) rows.push(...(await featurePrices(session, context)))
      return rows
    } finally {
      await session.close()
    }
  },
}

async function loadRows(
  session: Session,
  load: Load,
  contenders: readonly Contender[],
  { rounds, progress }: BenchContext,
): Promise<Row[]> {
  const samples = await compare(session, load, contenders, rounds, progress)
  const rows: Row[] = []
  for (const contender of contenders) {
    const [name, own] = [`${load.name}: ${contender.name}`, samples.get(contender.name)]
    if (!own) rows.push(skipped(name, session.missing.get(contender.name)!, { unit: load.unit }))
    else rows.push(await costRow(session, load, contender, own))
  }
  const own = samples.get('fairlead')
  if (contenders.some(({ name }) => name === 'fairlead') && !own) throw new Error(session.missing.get('fairlead'))
  for (const peer of contenders.filter(({ name }) => own && name !== 'fairlead')) {
    const [name, theirs] = [`${load.name}: fairlead / ${peer.name}`, samples.get(peer.name)]
    const goal = peer.name === 'HAProxy' && load.goal !== undefined ? { goal: load.goal } : {}
    const ratios = theirs?.map(({ microseconds }, i) => own![i]!.microseconds / microseconds)
    rows.push(
      ratios
        ? row(name, ratios, { unit: '×', ...goal })
        : skipped(name, session.missing.get(peer.name)!, { unit: '×' }),
    )
  }
  if (own)
    rows.push(
      row(
        `${load.name}: fairlead, errors`,
        own.map(({ errors }) => errors),
        { unit: '', goal: 0 },
      ),
    )
  return rows
}

async function costRow(session: Session, load: Load, contender: Contender, samples: readonly Sample[]): Promise<Row> {
  const { pid } = (await session.proxy(contender, load))!
  const rates = samples.map(({ perSecond }) => perSecond).sort((a, b) => a - b)
  const errors = samples.reduce((sum, sample) => sum + sample.errors, 0)
  const details = {
    'per second': quantile(rates, 0.5),
    'MB RSS': residentBytes(pid) / 1e6,
    ...(errors > 0 ? { errors } : {}),
  }
  const values = samples.map(({ microseconds }) => microseconds)
  return row(`${load.name}: ${contender.name}`, values, { unit: load.unit, details })
}

export default benchmark
