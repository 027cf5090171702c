import { describe, expect, it } from 'vitest'
import { HealthyCount, type Probe } from '../../src/core/discovery/healthy-count.js'
import { LatestResolution } from '../../src/core/discovery/latest.js'
import type { Resolver } from '../../src/core/discovery/resolution.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import { parseCondition, waitFor } from '../../src/core/discovery/wait-for.js'
import { FairleadError } from '../../src/core/errors.js'
import type { Endpoint } from '../../src/core/model/endpoint.js'
import { silentLogger } from '../../src/core/runtime.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

class Harness {
  readonly clock = new ManualClock()
  readonly abort = new AbortController()
  /** Addresses that pass the probe. */
  readonly working = new Set<string>()
  outcome: unknown = 'waiting'
  readonly #source = new LatestResolution()

  start(condition: string): void {
    const resolver: Resolver = { resolve: (_service, signal) => this.#source.read(signal) }
    const probe: Probe = async ({ address }) => (this.working.has(address) ? undefined : 'refused')
    const runtime = { clock: this.clock, random: seededRandom(1), log: silentLogger }
    waitFor(resolver, 'web', parseCondition(condition), { timeoutMs: 60_000, probe }, runtime, this.abort.signal).then(
      ({ endpoints }) => (this.outcome = endpoints.map((e) => e.address)),
      (error: unknown) => (this.outcome = error),
    )
  }

  async list(addresses: string, change: Partial<Endpoint> = {}): Promise<void> {
    const endpoints = addresses === '' ? [] : parseStaticEndpoints(addresses).map((e) => ({ ...e, ...change }))
    const snapshot = { service: 'web', revision: 5n, endpoints, skipped: [] }
    this.#source.offer({ kind: 'snapshot', snapshot, departed: new Set() })
    await settle()
  }

  async stale(error: FairleadError): Promise<void> {
    this.#source.offer({ kind: 'stale', since: 0, error })
    await settle()
  }
}

function waiting(condition: string): Harness {
  const harness = new Harness()
  harness.start(condition)
  return harness
}

describe('parseCondition', () => {
  it.each([
    ['endpoints=3', { kind: 'endpoints', count: 3 }],
    ['healthy=1', { kind: 'healthy', count: 1 }],
    ['gone', { kind: 'gone' }],
  ])('reads %s', (text, condition) => {
    expect(parseCondition(text)).toEqual(condition)
  })

  it.each(['', 'endpoints', 'endpoints=0', 'endpoints=-1', 'endpoints=x', 'gone=1', 'ready=1'])(
    'refuses %j',
    (text) => {
      expect(() => parseCondition(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    },
  )
})

describe('waitFor', () => {
  it('counts usable servers only', async () => {
    const wait = waiting('endpoints=2')
    await wait.list('a:1')
    await wait.list('a:1,b:1', { state: 'drain' })
    await wait.list('a:1,b:1', { role: 'balancer' })
    expect(wait.outcome).toBe('waiting')
    await wait.list('a:1,b:1')
    expect(wait.outcome).toEqual(['a:1', 'b:1'])
    expect(wait.clock.pending).toBe(0)
  })

  it('waits until endpoints are healthy, probing again and again', async () => {
    const wait = waiting('healthy=2')
    wait.working.add('a:1')
    await wait.list('a:1,b:1,c:1')
    await wait.clock.advance(5000)
    expect(wait.outcome).toBe('waiting')
    wait.working.add('c:1')
    await wait.clock.advance(1000)
    expect(wait.outcome).toEqual(['a:1', 'c:1'])
    expect(wait.clock.pending).toBe(0)
  })

  it('probes many at a time without a warning about their listeners', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => void warnings.push(warning)
    process.on('warning', onWarning)
    let probes = 0
    const count = new HealthyCount(
      40,
      (_endpoint, signal) => {
        probes++
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted')))
      },
      new ManualClock(),
      () => undefined,
    )
    count.check(parseStaticEndpoints(Array.from({ length: 40 }, (_, i) => `10.0.0.${i}:80`).join(',')))
    // Node hands warnings out in the next turn.
    await new Promise((resolve) => setImmediate(resolve))
    count.stop()
    process.off('warning', onWarning)
    expect(probes).toBeGreaterThan(20)
    expect(warnings).toEqual([])
  })

  it('takes only the absence of every endpoint for gone', async () => {
    const wait = waiting('gone')
    await wait.list('a:1', { state: 'maint' })
    await wait.stale(new FairleadError('UNAVAILABLE', 'away'))
    expect(wait.outcome).toBe('waiting')
    await wait.list('')
    expect(wait.outcome).toEqual([])
  })

  it('tells what was seen when the time is up', async () => {
    const wait = waiting('healthy=2')
    await wait.list('a:1,b:1')
    await wait.clock.advance(60_000)
    expect(wait.outcome).toMatchObject({ code: 'TIMEOUT', hint: expect.stringContaining('b:1: refused') })
  })

  it('waits through an absent registry until the time is up', async () => {
    const wait = waiting('endpoints=1')
    await wait.stale(new FairleadError('UNAVAILABLE', 'nobody answers'))
    await wait.clock.advance(59_999)
    expect(wait.outcome).toBe('waiting')
    await wait.clock.advance(1)
    expect(wait.outcome).toMatchObject({ code: 'TIMEOUT', hint: expect.stringContaining('nobody answers') })
  })

  it('ends at once when the registry refuses from the start', async () => {
    const wait = waiting('endpoints=1')
    const error = new FairleadError('UNAUTHENTICATED', 'wrong password')
    await wait.stale(error)
    expect(wait.outcome).toBe(error)
  })

  it('ends with the reason of its signal', async () => {
    const wait = waiting('endpoints=1')
    wait.abort.abort('enough')
    await settle()
    expect(wait.outcome).toBe('enough')
  })
})
