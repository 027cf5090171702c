import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../../src/core/balancer/balancer.js'
import type { Balancer } from '../../../src/core/balancer/contract.js'
import type { Traffic } from '../../../src/core/balancer/orca/load-weights.js'
import type { Endpoint } from '../../../src/core/model/endpoint.js'
import { LoadFilter } from '../../../src/core/wrapper/load/load-filter.js'
import { endpoint, runtime, snapshot } from '../../support/balancing.js'
import { seededRandom } from '../../support/seeded-random.js'

const serviceConfig = { loadBalancingConfig: [{ weighted_round_robin: { blackoutPeriod: '10s' } }] }

interface Server {
  /** Requests a second that it can serve. */
  readonly speed: number
  /** How busy it is with other things. */
  other: number
  busy: number
  /** Of late. */
  average: number
  requests: number
}

interface Simulated {
  readonly speeds: readonly number[]
  readonly requestsPerSecond: number
  /** Between two looks of a reporter, seconds. */
  readonly interval?: number
  /** Balancers among which the requests are shared out. */
  readonly balancers?: number
  /** By the weights of a balancer that picks nothing itself. */
  readonly elsewhere?: boolean
  readonly seed?: number
}

/** Servers that report how busy they are through records, and balancers that see the records. */
class Simulation {
  readonly servers: readonly Server[]
  readonly clock
  requestsPerSecond: number
  /** Changes of weights by the first balancer. */
  changes = 0
  told: number | undefined
  readonly #balancers: readonly Balancer[]
  readonly #elsewhere: boolean
  readonly #interval: number
  readonly #random
  readonly #reporters: { filter: LoadFilter; at: number; sum: number; count: number }[]
  #endpoints: readonly Endpoint[]

  constructor({ speeds, requestsPerSecond, interval = 5, balancers = 1, elsewhere = false, seed = 1 }: Simulated) {
    const own = runtime(seed)
    this.clock = own.clock
    this.requestsPerSecond = requestsPerSecond
    this.#interval = interval
    this.#elsewhere = elsewhere
    this.#random = seededRandom(seed)
    this.servers = speeds.map((speed) => ({ speed, other: 0, busy: 0, average: 0, requests: 0 }))
    this.#reporters = speeds.map(() => ({
      filter: new LoadFilter(),
      at: interval * this.#random.next(),
      sum: 0,
      count: 0,
    }))
    this.#endpoints = speeds.map((_, i) => endpoint(i + 1))
    const traffic: Traffic = () => this.told
    this.#balancers = Array.from({ length: balancers }, (_, i) =>
      createBalancer({ ...(elsewhere && { traffic }), ...(i === 0 && { onChange: () => this.changes++ }) }, own),
    )
    this.#publish()
  }

  get weights(): number[] {
    return this.#balancers[0]!.status().upstreams.map(({ upstream }) => upstream.weight)
  }

  /** How far apart the busiest and the idlest server have been of late. */
  get spread(): number {
    const all = this.servers.map(({ average }) => average)
    return Math.max(...all) - Math.min(...all)
  }

  async run(seconds: number, each?: () => void): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.#serve()
      for (const server of this.servers) {
        const noise = 0.02 * (this.#random.next() - 0.5)
        server.busy = Math.min(1, Math.max(0, server.requests / server.speed + server.other + noise))
        server.average += 0.3 * (server.busy - server.average)
      }
      this.#report()
      await this.clock.advance(1000)
      each?.()
    }
  }

  #serve(): void {
    for (const server of this.servers) server.requests = 0
    const share = this.requestsPerSecond / this.#balancers.length
    for (const balancer of this.#balancers) {
      if (this.#elsewhere) {
        const weights = balancer.status().upstreams.map(({ upstream }) => upstream.weight)
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        this.servers.forEach((server, i) => (server.requests += (share * weights[i]!) / total))
        continue
      }
      for (let i = 0; i < share; i++) {
        const { upstream, done } = asPick(balancer)
        this.servers[this.#endpoints.findIndex(({ address }) => address === upstream.endpoint.address)]!.requests++
        done()
      }
    }
  }

  #report(): void {
    const now = this.clock.now() / 1000
    let isNew = false
    this.#reporters.forEach((reporter, i) => {
      reporter.sum += this.servers[i]!.busy
      reporter.count++
      if (now < reporter.at) return
      reporter.filter.take(reporter.sum / reporter.count)
      reporter.sum = reporter.count = 0
      reporter.at = now + this.#interval * (1 + 0.2 * this.#random.next())
      const load = reporter.filter.change(this.#endpoints[i]!.load)
      if (load === undefined || load === null) return
      this.#endpoints = this.#endpoints.with(i, { ...this.#endpoints[i]!, load })
      isNew = true
    })
    if (isNew) this.#publish()
  }

  #publish(): void {
    for (const balancer of this.#balancers) balancer.update({ ...snapshot(this.#endpoints), serviceConfig })
  }
}

function asPick(balancer: Balancer) {
  const pick = balancer.pick({})
  return { upstream: pick.upstream, done: () => pick.done({ ok: true }) }
}

const SPEEDS = [100, 200, 400]

describe('weights by load figures', () => {
  it.each([
    ['one balancer', {}],
    ['ten balancers', { balancers: 10 }],
    ['a control plane', { elsewhere: true }],
    ['reports every second', { interval: 1 }],
    ['reports every half minute', { interval: 30 }],
    ['much traffic', { requestsPerSecond: 600 }],
  ])('come to rest where servers of different speed are equally busy: %s', async (_, options) => {
    for (const seed of [1, 2, 3]) {
      const simulation = new Simulation({ speeds: SPEEDS, requestsPerSecond: 350, seed, ...options })
      await simulation.run(10)
      expect(simulation.spread).toBeGreaterThan(0.4)
      await simulation.run(490)
      const before = simulation.changes
      let worst = 0
      await simulation.run(200, () => (worst = Math.max(worst, simulation.spread)))
      expect(worst).toBeLessThan(0.15)
      // They rest: what is left are steps of figures at the edge of what counts.
      expect(simulation.changes - before).toBeLessThanOrEqual(20)
      const [slow, middle, fast] = simulation.weights
      expect(fast! / slow!).toBeGreaterThan(3)
      expect(fast! / slow!).toBeLessThan(5.3)
      expect(middle! / slow!).toBeGreaterThan(1.5)
    }
  })

  it('move traffic away from a server that has other things to do, and back', async () => {
    const simulation = new Simulation({ speeds: [200, 200, 200], requestsPerSecond: 200 })
    await simulation.run(100)
    expect(simulation.weights).toEqual([1, 1, 1])
    simulation.servers[0]!.other = 0.4
    await simulation.run(8)
    expect(simulation.spread).toBeGreaterThan(0.25)
    await simulation.run(400)
    // (0.4 · 200 + 200) / 600 each.
    expect(simulation.spread).toBeLessThan(0.15)
    expect(simulation.servers[0]!.requests).toBeLessThan(35)
    simulation.servers[0]!.other = 0
    await simulation.run(400)
    expect(simulation.servers[0]!.requests).toBeGreaterThan(50)
    expect(simulation.spread).toBeLessThan(0.15)
  })

  it('never leave the range that the registry’s weights span', async () => {
    const simulation = new Simulation({ speeds: [200, 200], requestsPerSecond: 50 })
    simulation.servers[0]!.other = 0.9
    await simulation.run(1500)
    expect(simulation.weights).toEqual([10, 1000])
  })

  it('stay while there is no traffic', async () => {
    const simulation = new Simulation({ speeds: SPEEDS, requestsPerSecond: 350 })
    await simulation.run(300)
    const { weights } = simulation
    simulation.requestsPerSecond = 0
    simulation.servers[2]!.other = 0.8
    await simulation.run(600)
    expect(simulation.weights).toEqual(weights)
    simulation.requestsPerSecond = 350
    await simulation.run(100)
    expect(simulation.weights).not.toEqual(weights)
  })

  it('stay while clients of a control plane send nothing, and move where nobody counts what they send', async () => {
    const simulation = new Simulation({ speeds: SPEEDS, requestsPerSecond: 350, elsewhere: true })
    simulation.told = 0
    await simulation.run(100)
    expect(simulation.weights).toEqual([1, 1, 1])
    simulation.told = 350
    await simulation.run(100)
    const { weights } = simulation
    expect(weights).not.toEqual([1, 1, 1])
    simulation.told = undefined
    simulation.servers[2]!.other = 0.8
    await simulation.run(100)
    expect(simulation.weights).not.toEqual(weights)
  })
})

describe('a load figure', () => {
  function start(fields: Partial<Endpoint>[]) {
    const own = runtime()
    const balancer = createBalancer({}, own)
    const show = (changes: Partial<Endpoint>[]) => {
      const endpoints = changes.map((each, i) => endpoint(i + 1, { ...fields[i], ...each }))
      balancer.update({ ...snapshot(endpoints), serviceConfig })
    }
    show(fields.map(() => ({})))
    const run = async (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        balancer.pick({}).done({ ok: true })
        await own.clock.advance(1000)
      }
    }
    const weights = () => balancer.status().upstreams.map(({ upstream }) => upstream.weight)
    return { balancer, clock: own.clock, show, run, weights }
  }

  it('counts when the instance has had one for the blackout period, and changes the registry’s weight', async () => {
    const { run, weights } = start([{ weight: 4, load: 0.8 }, { weight: 2, load: 0.4 }, { weight: 1 }])
    await run(9)
    expect(weights()).toEqual([4, 2, 1])
    await run(4)
    const [busy, idle, mean] = weights()
    expect(busy! / idle!).toBeLessThan(2)
    expect(busy! / idle!).toBeGreaterThan(1)
    // The one without a figure stands in the middle.
    expect((busy! / 4) * (idle! / 2)).toBeCloseTo(mean! ** 2, -4)
  })

  it('counts no more when the record has none, or is another instance’s', async () => {
    const { run, weights, show } = start([{ load: 0.8 }, { load: 0.4 }])
    await run(15)
    expect(weights()[0]).toBeLessThan(weights()[1]!)
    show([{ load: 0.8, id: 'another' }, { load: 0.4 }])
    const [another, known] = weights()
    expect(another! / known!).toBeGreaterThan(0.7)
    show([{}, {}].map(() => ({ load: undefined }) as unknown as Partial<Endpoint>))
    expect(weights()).toEqual([1, 1])
    await run(2)
  })

  it('gives way to reports', async () => {
    const { balancer, run, weights } = start([{ load: 0.8 }, { load: 0.4 }])
    await run(15)
    const load = { rps: 100, eps: 0, cpuUtilization: 0, applicationUtilization: 0.5 }
    const upstreams = balancer.status().upstreams.map(({ upstream }) => upstream)
    const report = () => upstreams.forEach((each, i) => balancer.report(each, { ...load, rps: 100 * (2 - i) }))
    report()
    await run(8)
    report()
    await run(4)
    expect(weights()).toEqual([1000, 500])
  })

  it('is of no consequence alone, without a config that asks for it, and leaves no timer behind', async () => {
    const alone = start([{ load: 0.9 }, {}])
    await alone.run(30)
    expect(alone.weights()).toEqual([1, 1])
    alone.balancer.update(snapshot([endpoint(1, { load: 0.9 }), endpoint(2, { load: 0.1 })]))
    await alone.run(30)
    expect(alone.weights()).toEqual([1, 1])
    expect(alone.clock.pending).toBe(0)
  })
})
