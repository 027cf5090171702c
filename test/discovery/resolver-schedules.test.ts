import { describe, expect, it } from 'vitest'
import type { RegistryEvent } from '../../src/core/discovery/registry-event.js'
import type { Resolution } from '../../src/core/discovery/resolution.js'
import { createResolver } from '../../src/core/discovery/resolver.js'
import { KeyLayout } from '../../src/core/registry/keys.js'
import { decodeService } from '../../src/core/registry/service-records.js'
import { silentLogger } from '../../src/core/runtime.js'
import { FakeStore, type Write } from '../support/fake-store.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

const SCHEDULES = 25
const STEPS = 120

/** One run: random writes and faults, what two readers made of them, and time to come to rest. */
class Schedule {
  readonly store = new FakeStore()
  readonly clock = new ManualClock()
  readonly abort = new AbortController()
  readonly resolutions: Resolution[] = []
  readonly events: RegistryEvent[] = []
  readonly webEvents: RegistryEvent[] = []
  readonly #random
  readonly #reconcileIntervalMs
  readonly #restores: (() => void)[] = []

  /** @param mayGoBack whether the registry may be wiped, restored or replaced too. */
  constructor(
    seed: number,
    readonly mayGoBack: boolean,
  ) {
    this.#random = seededRandom(seed)
    this.#reconcileIntervalMs = this.#pick([600, 5000, 30_000])
    this.store.choose = (count) => this.#below(count)
    const dawdle = async () => {
      for (let turn = this.#below(4); turn > 0; turn--) await settle()
    }
    this.store.beforeListReturns = dawdle
    this.store.beforeDelivery = dawdle
    const runtime = { clock: this.clock, random: this.#random, log: silentLogger }
    const resolver = createResolver(this.store, { reconcileIntervalMs: this.#reconcileIntervalMs }, runtime)
    void this.#read(resolver.resolve('web', this.abort.signal), this.resolutions)
    void this.#read(resolver.events('web', this.abort.signal), this.webEvents)
    void this.#read(resolver.events(undefined, this.abort.signal), this.events)
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      if (this.#below(10) === 0) this.#fault()
      else this.store.write(...this.#writes())
      for (let turn = this.#below(5); turn > 0; turn--) await settle()
      if (this.#below(4) === 0) await this.clock.advance(this.#below(3000))
    }
    this.store.isAway = false
    for (let step = 0; step < 100; step++) {
      await this.clock.advance(2000)
      for (let turn = 0; turn < 10; turn++) await settle()
    }
  }

  #writes(): Write[] {
    const writes = Array.from({ length: 1 + this.#below(3) }, () => this.#write())
    return [...new Map(writes.map((write) => [write[0], write])).values()]
  }

  #write(): Write {
    const address = `${this.#pick(['a', 'b', 'c', 'd'])}:1`
    const place = this.#pick(['/ns/web/', '/ns/web/', '/ns/web/', '/ns/.balancers/web/', '/ns/.gone/web/', '/ns/api/'])
    if (this.#below(12) === 0) return ['/ns/.config/web', this.#pick(['{}', '[', null])]
    return [place + address, this.#pick([null, '', '{', `{"Metadata":{"weight":${this.#below(3)}}}`])]
  }

  #fault(): void {
    const { store } = this
    const faults = [
      () => store.cut(),
      () => store.compact(),
      () => (store.cut(), store.compact()),
      () => store.deafen(),
      () => store.progress(),
      () => ((store.isAway = true), store.cut()),
      () => (store.isAway = false),
    ]
    const losses = [
      () => store.wipe(),
      () => store.wipe(`cluster ${this.#below(9)}`),
      () => this.#restores.push(store.backup()),
      () => this.#restores.pop()?.(),
    ]
    this.#pick<() => unknown>(this.mayGoBack ? [...faults, ...losses] : faults)()
  }

  #below(bound: number): number {
    return Math.floor(this.#random.next() * bound)
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)]!
  }

  async #read<T>(stream: AsyncIterable<T>, into: T[]): Promise<void> {
    for await (const item of stream) into.push(item)
  }
}

/** What a reader of single events knows in the end: service/address → what was last said of it. */
function replay(events: readonly RegistryEvent[]): Record<string, unknown> {
  let known = new Map<string, unknown>()
  for (const event of events) {
    if (event.type === 'snapshot') {
      known = new Map()
      for (const { service, records } of event.services) {
        for (const { endpoint } of records) known.set(`${service}/${endpoint.address}`, endpoint)
      }
    } else if (event.type === 'put') {
      known.set(`${event.service}/${event.record.endpoint.address}`, event.record.endpoint)
    } else if (event.type === 'delete') {
      expect(known.delete(`${event.service}/${event.record.endpoint.address}`)).toBe(true)
    }
  }
  return Object.fromEntries([...known].sort())
}

/** Nothing older is ever told of a key than what was told before. */
function expectOnward(events: readonly RegistryEvent[]): void {
  const latest = new Map<string, bigint>()
  for (const event of events) {
    if (event.type !== 'put' && event.type !== 'delete') continue
    const { key, modRevision } = event.record
    const revision = event.type === 'put' ? modRevision : event.revision
    expect(revision).toBeGreaterThanOrEqual(latest.get(key) ?? 0n)
    latest.set(key, revision)
  }
}

describe.each([
  ['that keeps its history', false],
  ['that may lose its history', true],
])('a resolver of a registry %s', (_name, mayGoBack) => {
  const seeds = Array.from({ length: SCHEDULES }, (_, i) => i + 1)

  it.each(seeds)('ends up with what the registry holds (schedule %i)', async (seed) => {
    const schedule = new Schedule(seed, mayGoBack)
    await schedule.run()
    schedule.abort.abort()
    await settle()

    const layout = new KeyLayout()
    const expectedOf = (service: string) =>
      decodeService(
        layout,
        schedule.store.entries.filter(({ key }) => layout.parse(key)?.service === service),
      ).registered.map(({ endpoint }) => endpoint)
    const last = schedule.resolutions.at(-1)
    expect(last?.kind === 'snapshot' && last.snapshot.endpoints).toEqual(expectedOf('web'))
    const expected = ['web', 'api'].flatMap((service) =>
      expectedOf(service).map((endpoint) => [`${service}/${endpoint.address}`, endpoint] as const),
    )
    expect(replay(schedule.events)).toEqual(Object.fromEntries(expected.sort()))
    if (!mayGoBack) for (const events of [schedule.events, schedule.webEvents]) expectOnward(events)
    expect(schedule.clock.pending).toBe(0)
  })
})
