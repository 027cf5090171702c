import { type BenchContext, quantile, type Row, row, skipped } from '../support/shape.js'
import { latencies } from './drivers.js'
import type { Contender, Session } from './session.js'

const CALLS_PER_SECOND = 2000
const CALLS = 3000
const STEADY = { protocol: 'grpc', backend: 'unary', connections: 8, streams: 32 } as const

/** What a proxy adds to the time of a gRPC call at a steady rate that loads neither side: less the time without a proxy in the same round. */
export async function addedLatency(
  session: Session,
  contenders: readonly Contender[],
  { rounds, progress }: BenchContext,
): Promise<Row[]> {
  const measure = (port: number) => latencies(session.drive(port, STEADY, CALLS), CALLS_PER_SECOND)
  const [backend] = await session.backends(STEADY.backend)
  const added = new Map<string, { p50: number[]; p99: number[] }>()
  for (let round = 0; round < rounds; round++) {
    progress(`latency, round ${round + 1} of ${rounds}`)
    const direct = await measure(backend!)
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const started = await session.proxy(contender, STEADY)
      if (!started) continue
      const through = await measure(started.port)
      const { p50, p99 } = added.get(contender.name) ?? { p50: [], p99: [] }
      p50.push((quantile(through, 0.5) - quantile(direct, 0.5)) * 1000)
      p99.push((quantile(through, 0.99) - quantile(direct, 0.99)) * 1000)
      added.set(contender.name, { p50, p99 })
    }
  }
  return (['p50', 'p99'] as const).flatMap((which) =>
    contenders.map(({ name }) => {
      const [title, values] = [`added latency ${which}: ${name}`, added.get(name)?.[which]]
      const note = `at ${CALLS_PER_SECOND.toLocaleString('en-US')} calls a second`
      return values
        ? row(title, values, { unit: 'µs', note })
        : skipped(title, session.missing.get(name)!, { unit: 'µs' })
    }),
  )
}
