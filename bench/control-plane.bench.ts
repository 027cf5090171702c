import { Audience } from './control-plane/audience.js'
import { type Fleet, startFleet } from './control-plane/fleet.js'
import { openGrpclbStream } from './control-plane/grpclb-stream.js'
import type { OpenStream } from './control-plane/streams.js'
import { openXdsStream } from './control-plane/xds-stream.js'
import { cpuMicroseconds, residentBytes } from './support/processes.js'
import { type Benchmark, quantile, type Row, row } from './support/shape.js'

const SERVICES = 100
const ENDPOINTS_EACH = 100
const CLIENTS = 1000
const LARGE_ENDPOINTS = 10_000
const LARGE_CLIENTS = 100

/** How often each of them is put anew, a round. */
const PUTS = { spread: 100, popular: 20, large: 5 }

const PROTOCOLS = { grpclb: openGrpclbStream, xds: openXdsStream } as const satisfies Readonly<
  Record<string, OpenStream>
>
type Protocol = keyof typeof PROTOCOLS

/** From a put in the registry to clients' streams, through one `fairlead serve`. Registry and `serve` are processes of their own. */
const benchmark: Benchmark = {
  name: 'control-plane',
  async run({ rounds, progress, note }) {
    const fleet = await startFleet()
    const rows: Row[] = []
    try {
      for (let i = 0; i < SERVICES; i++) await fleet.fill(`service-${i}`, ENDPOINTS_EACH)
      await fleet.fill('popular', ENDPOINTS_EACH)
      await fleet.fill('large', LARGE_ENDPOINTS)
      for (const protocol of Object.keys(PROTOCOLS) as Protocol[]) {
        const figures = new Figures()
        for (let round = 1; round <= rounds; round++) {
          progress(`${protocol}, round ${round} of ${rounds}`)
          await measure(fleet, protocol, figures)
        }
        rows.push(...figures.rows(protocol))
      }
    } finally {
      await fleet.close()
    }
    note(
      'Each client has a connection of its own; all are in the process of the benchmark, which reads what it is sent.',
    )
    return rows
  },
}

export default benchmark

/** One `serve`, before and after its clients come, and what is put then. */
async function measure(fleet: Fleet, protocol: Protocol, figures: Figures): Promise<void> {
  const serve = await fleet.serve(protocol)
  const audience = new Audience(PROTOCOLS[protocol], `127.0.0.1:${serve.port}`)
  try {
    const idle = residentBytes(serve.pid)
    for (let i = 0; i < SERVICES; i++) await audience.join(`service-${i}`, CLIENTS / SERVICES)
    figures.memory.push((residentBytes(serve.pid) - idle) / 2 ** 20)
    figures.resident.push(residentBytes(serve.pid) / 2 ** 20)
    const reweigh = async (figure: Delays, services: readonly string[]) => {
      const before = cpuMicroseconds(serve.pid)
      for (const service of services) figure.times.push(await timeToLast(audience, fleet, service))
      figure.cpuMs += (cpuMicroseconds(serve.pid) - before) / 1000
    }
    await reweigh(
      figures.spread,
      Array.from({ length: PUTS.spread }, (_, i) => `service-${i % SERVICES}`),
    )
    await audience.join('popular', CLIENTS)
    await reweigh(figures.popular, Array<string>(PUTS.popular).fill('popular'))
    await audience.join('large', LARGE_CLIENTS)
    await reweigh(figures.large, Array<string>(PUTS.large).fill('large'))
  } finally {
    audience.close()
    await serve.stop()
  }
}

function timeToLast(audience: Audience, fleet: Fleet, service: string): Promise<number> {
  const weight = nextWeight(service)
  return audience.timeToLast(service, () => fleet.reweigh(service, weight))
}

const weights = new Map<string, number>()

/** Another one than the last, over rounds and protocols. */
function nextWeight(service: string): number {
  const weight = weights.get(service) === 2 ? 3 : 2
  weights.set(service, weight)
  return weight
}

interface Delays {
  /** From a put to the last client, milliseconds. */
  readonly times: number[]
  /** What `serve` took for all of them. */
  cpuMs: number
}

/** Of all rounds of a protocol. */
class Figures {
  readonly memory: number[] = []
  readonly resident: number[] = []
  readonly spread: Delays = { times: [], cpuMs: 0 }
  readonly popular: Delays = { times: [], cpuMs: 0 }
  readonly large: Delays = { times: [], cpuMs: 0 }

  rows(protocol: Protocol): Row[] {
    const streams = CLIENTS.toLocaleString('en-US')
    const delay = (name: string, { times, cpuMs }: Delays, goal?: number) => {
      const sorted = [...times].sort((a, b) => a - b)
      return [0.5, 0.99].map((q) =>
        row(`${protocol}: put to the last ${name}, p${q * 100}`, [quantile(sorted, q)], {
          unit: 'ms',
          ...(goal !== undefined && { goal }),
          details: { 'puts': times.length, 'ms of CPU a put': cpuMs / times.length },
        }),
      )
    }
    return [
      row(`${protocol}: memory for ${streams} streams, 100 services × 100 endpoints`, this.memory, {
        unit: 'MiB',
        note: `beside what the process has before, ${Math.round(
          quantile(
            [...this.resident].sort((a, b) => a - b),
            0.5,
          ),
        )} MiB in all`,
      }),
      ...delay('of 10 clients', this.spread, 100),
      ...delay(`of ${streams} clients`, this.popular),
      ...delay(`of ${LARGE_CLIENTS} clients of a service of 10,000 endpoints`, this.large),
    ]
  }
}
