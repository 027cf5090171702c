import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type HeldResolutions, holdMassExpiry } from '../../src/core/discovery/hold.js'
import { LatestResolution } from '../../src/core/discovery/latest.js'
import type { Resolution } from '../../src/core/discovery/resolution.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import { Vanished } from '../../src/core/discovery/vanished.js'
import { FairleadError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/runtime.js'
import { ManualClock } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

const TTL = 10_000
const AWAY = new FairleadError('UNAVAILABLE', 'away')

/** `abc` stands for three endpoints. */
function endpoints(letters: string) {
  return letters === '' ? [] : parseStaticEndpoints([...letters].map((letter) => `${letter}:1`).join(','))
}

class Harness {
  readonly clock = new ManualClock()
  readonly seen: string[] = []
  readonly hold: HeldResolutions
  readonly #source = new LatestResolution()

  constructor() {
    const abort = new AbortController()
    onTestFinished(() => abort.abort())
    const runtime = { clock: this.clock, random: seededRandom(1), log: silentLogger }
    this.hold = holdMassExpiry(this.#source.read(abort.signal), { ttlMs: TTL }, runtime)
    void this.#collect()
  }

  /** Lets the registry list these, `gone` having been taken out on purpose, and time pass. */
  async list(letters: string, gone = '', ms = 0): Promise<void> {
    const snapshot = { service: 'web', revision: 1n, endpoints: endpoints(letters), skipped: [] }
    this.#source.offer({ kind: 'snapshot', snapshot, departed: new Set(endpoints(gone).map((e) => e.address)) })
    await this.clock.advance(ms)
  }

  async stale(ms: number): Promise<void> {
    this.#source.offer({ kind: 'stale', since: 0, error: AWAY })
    await this.clock.advance(ms)
  }

  async #collect(): Promise<void> {
    for await (const resolution of this.hold) this.seen.push(letters(resolution))
  }
}

function letters(resolution: Resolution): string {
  return resolution.kind === 'stale' ? 'stale' : resolution.snapshot.endpoints.map((e) => e.host).join('')
}

describe('holdMassExpiry', () => {
  it('passes on what comes, changes and goes in small numbers', async () => {
    const { list, seen } = bind(new Harness())
    for (const set of ['abcd', 'abcde', 'abde', 'abd']) await list(set)
    expect(seen).toEqual(['abcd', 'abcde', 'abde', 'abd'])
  })

  it('holds all for one more TTL when the registry is wiped, then goes by it', async () => {
    const { list, seen, hold, clock } = bind(new Harness())
    await list('abc')
    await list('', '', TTL - 1)
    expect(seen.at(-1)).toBe('abc')
    expect([...hold.held]).toEqual(['a:1', 'b:1', 'c:1'])
    await clock.advance(1)
    expect(seen).toEqual(['abc', 'abc', ''])
    expect(hold.held.size).toBe(0)
  })

  it('takes leases that expire one by one within a TTL for one incident, and brings back the first', async () => {
    const { list, seen, clock } = bind(new Harness())
    await list('abcd')
    for (const set of ['abc', 'ab', 'a']) await list(set, '', 1000)
    expect(seen).toEqual(['abcd', 'abc', 'ab', 'abcd'])
    await clock.advance(TTL)
    expect(seen.at(-1)).toBe('a')
  })

  it('does not add up losses that are further apart', async () => {
    const { list, seen } = bind(new Harness())
    await list('abcd')
    for (const set of ['abc', 'ab', 'a', '']) await list(set, '', TTL)
    expect(seen).toEqual(['abcd', 'abc', 'ab', 'a', ''])
  })

  it('honours removals on purpose at once', async () => {
    const { list, seen } = bind(new Harness())
    await list('abcd')
    await list('a', 'bcd')
    await list('', 'abcd')
    expect(seen).toEqual(['abcd', 'a', ''])
  })

  it('honours a removal on purpose that becomes known after the removal', async () => {
    const { list, seen, hold } = bind(new Harness())
    await list('abcd')
    await list('a', '', 5)
    await list('a', 'bcd', 5)
    expect(seen).toEqual(['abcd', 'abcd', 'a'])
    expect(hold.held.size).toBe(0)
  })

  it('lets the others go too when what was on purpose leaves no mass expiry', async () => {
    const { list, seen } = bind(new Harness())
    await list('abcdef')
    await list('ab', '', 5)
    await list('ab', 'def', 5)
    expect(seen).toEqual(['abcdef', 'abcdef', 'ab'])
  })

  it('keeps holding those that are still missing when others come back', async () => {
    const { list, seen, clock } = bind(new Harness())
    await list('abcdef')
    await list('', '', 2000)
    await list('abcde', '', 1000)
    expect(seen.at(-1)).toBe('abcdef')
    await clock.advance(TTL)
    expect(seen.at(-1)).toBe('abcde')
  })

  it('drops a held endpoint that is disproved, and only a held one', async () => {
    const { list, seen, hold, clock } = bind(new Harness())
    await list('abc')
    expect(hold.disprove('a:1')).toBe(false)
    await list('')
    expect(hold.disprove('b:1')).toBe(true)
    expect(hold.disprove('b:1')).toBe(false)
    await clock.advance(0)
    expect(seen).toEqual(['abc', 'abc', 'ac'])
  })

  it('leaves services of one or two alone', async () => {
    const { list, seen } = bind(new Harness())
    for (const set of ['ab', '', 'a', '']) await list(set)
    expect(seen).toEqual(['ab', '', 'a', ''])
  })

  it('lets nothing go while the registry is away, and gives the held a TTL when it is back', async () => {
    const { list, stale, seen, hold, clock } = bind(new Harness())
    await list('abc')
    await list('', '', 1000)
    await stale(5 * TTL)
    expect(seen).toEqual(['abc', 'abc', 'stale'])
    hold.disprove('c:1')
    await list('', '', TTL - 1)
    expect(seen.at(-1)).toBe('ab')
    await clock.advance(1)
    expect(seen.at(-1)).toBe('')
  })

  it('says that it is still stale when an endpoint is disproved meanwhile', async () => {
    const { list, stale, seen, hold, clock } = bind(new Harness())
    await list('abc')
    await list('')
    await stale(1000)
    hold.disprove('a:1')
    await clock.advance(0)
    expect(seen.slice(2)).toEqual(['stale', 'bc', 'stale'])
  })

  it('passes on the error of its source', async () => {
    const broken = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(AWAY) }) }
    const runtime = { clock: new ManualClock(), random: seededRandom(1), log: silentLogger }
    const stream = holdMassExpiry(broken, {}, runtime)[Symbol.asyncIterator]()
    await expect(stream.next()).rejects.toBe(AWAY)
  })
})

describe('Vanished', () => {
  const ADDRESSES = [...'abcdefgh']
  const step = fc.record({
    listed: fc.subarray(ADDRESSES),
    gone: fc.subarray(ADDRESSES, { maxLength: 3 }),
    ms: fc.integer({ min: 0, max: TTL }),
  })

  it('never loses a majority at once, never keeps what left on purpose, and ends up with what is listed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const vanished = new Vanished(TTL)
        let now = 0
        let listedBefore: string[] = []
        const shown = (list: string[]) => new Set([...list, ...[...vanished.held.values()].map((e) => e.host)])
        for (const { listed, gone, ms } of steps) {
          now += ms
          vanished.release(now)
          const before = shown(listedBefore)
          vanished.update(endpoints(listed.join('')), new Set(gone.map((a) => `${a}:1`)), now)
          const after = shown(listed)
          const absent = (address: string) => !listed.includes(address)
          expect(gone.filter((address) => absent(address) && after.has(address))).toEqual([])
          const all = new Set([...before, ...listed]).size
          const lost = [...before].filter((address) => !after.has(address)).length
          if (gone.length === 0 && all >= 3) expect(lost * 2).toBeLessThanOrEqual(all)
          expect([...vanished.held.values()].every((e) => absent(e.host))).toBe(true)
          listedBefore = listed
        }
        vanished.release(now + TTL)
        expect(vanished.held.size).toBe(0)
      }),
    )
  })
})

function bind(harness: Harness) {
  const { seen, hold, clock } = harness
  return { seen, hold, clock, list: harness.list.bind(harness), stale: harness.stale.bind(harness) }
}
