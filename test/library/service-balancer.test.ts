import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import { choosePolicy } from '../../src/core/balancer/service-config.js'
import { LatestResolution } from '../../src/core/discovery/latest.js'
import type { Resolver } from '../../src/core/discovery/resolution.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import { FairleadError } from '../../src/core/errors.js'
import { FollowingBalancer } from '../../src/core/library/service-balancer.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { settle } from '../support/manual-clock.js'

/** A resolver that tells what it is told. */
class Told implements Resolver {
  readonly #latest = new LatestResolution()

  resolve(_service: string, signal: AbortSignal) {
    return this.#latest.read(signal)
  }

  endpoints(list: string): Promise<void> {
    const endpoints = list === '' ? [] : parseStaticEndpoints(list)
    const snapshot = { service: 'web', revision: 7n, endpoints, skipped: [] }
    this.#latest.offer({ kind: 'snapshot', snapshot, departed: new Set() })
    return settle()
  }

  stale(): Promise<void> {
    const error = new FairleadError('UNAVAILABLE', 'no registry endpoint answered')
    this.#latest.offer({ kind: 'stale', since: 0, error })
    return settle()
  }
}

function follow(policy = 'round_robin') {
  const resolver = new Told()
  const balancer = createBalancer({ policy: choosePolicy(policy) }, systemRuntime)
  return { resolver, balancer: new FollowingBalancer(resolver, 'web', balancer) }
}

describe('a service balancer', () => {
  it('is ready with the first snapshot and follows the next', async () => {
    const { resolver, balancer } = follow()
    expect(balancer.snapshot).toBeUndefined()
    expect(() => balancer.pick()).toThrow(expect.objectContaining({ code: 'NO_ENDPOINTS' }))
    await resolver.endpoints('10.0.0.1:80,10.0.0.2:80')
    await balancer.whenReady()
    expect(balancer.snapshot?.revision).toBe(7n)
    const picked = new Set([balancer.pick(), balancer.pick()].map(({ endpoint }) => endpoint.address))
    expect(picked).toEqual(new Set(['10.0.0.1:80', '10.0.0.2:80']))
    await resolver.endpoints('10.0.0.3:80')
    expect(balancer.pick().endpoint.address).toBe('10.0.0.3:80')
    await balancer.close()
  })

  it('gives up when the registry is away', async () => {
    const { resolver, balancer } = follow()
    await resolver.stale()
    await expect(balancer.whenReady()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await balancer.closed
  })

  it('fills up when the registry comes back, if nobody waited', async () => {
    const { resolver, balancer } = follow()
    await resolver.stale()
    await resolver.endpoints('10.0.0.1:80')
    expect(balancer.pick().endpoint.address).toBe('10.0.0.1:80')
    await balancer.close()
  })

  it('gives up waiting when the signal aborts', async () => {
    const [early, late] = [follow().balancer, follow().balancer]
    await expect(early.whenReady(AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
    const abort = new AbortController()
    const waiting = late.whenReady(abort.signal)
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    await Promise.all([early.closed, late.closed])
  })

  it('picks on while stale, and after it was closed', async () => {
    const { resolver, balancer } = follow()
    await resolver.endpoints('10.0.0.1:80')
    expect(balancer.stale).toBe(false)
    await resolver.stale()
    expect(balancer.stale).toBe(true)
    expect(balancer.pick().endpoint.address).toBe('10.0.0.1:80')
    await Promise.all([balancer.close(), balancer.close()])
    await resolver.endpoints('10.0.0.2:80')
    expect(balancer.pick().endpoint.address).toBe('10.0.0.1:80')
  })

  it('counts a pick as in flight until it is done, once', async () => {
    const { resolver, balancer } = follow()
    await resolver.endpoints('10.0.0.1:80')
    const inFlight = () => balancer.status().upstreams[0]!.upstream.inFlight
    const [first, second] = [balancer.pick(), balancer.pick()]
    expect(inFlight()).toBe(2)
    const { done } = first
    done()
    done()
    expect(inFlight()).toBe(1)
    second.done({ ok: false, latencyMs: 12 })
    expect(inFlight()).toBe(0)
    await balancer.close()
  })

  it('leaves out what the request has failed on, until nothing is left', async () => {
    const { resolver, balancer } = follow()
    await resolver.endpoints('10.0.0.1:80,10.0.0.2:80')
    for (let i = 0; i < 10; i++) {
      const first = balancer.pick()
      const second = balancer.pick({ exclude: [first] })
      expect(second.endpoint.address).not.toBe(first.endpoint.address)
      expect(() => balancer.pick({ exclude: [first, second] })).toThrow(/has been tried/)
      const { endpoint, done } = first
      expect(() => balancer.pick({ exclude: [{ endpoint, done }] })).toThrow(/not of this balancer/)
    }
    await balancer.close()
  })

  it('sends one key to one endpoint under a hash policy', async () => {
    const { resolver, balancer } = follow('source_hash')
    await resolver.endpoints('10.0.0.1:80,10.0.0.2:80,10.0.0.3:80')
    const of = (key: string) => balancer.pick({ key }).endpoint.address
    for (let user = 0; user < 50; user++) expect(of(`user-${user}`)).toBe(of(`user-${user}`))
    expect(new Set(Array.from({ length: 50 }, (_, user) => of(`user-${user}`))).size).toBe(3)
    await balancer.close()
  })

  it('ends the wait for the first snapshot when it is closed', async () => {
    const { balancer } = follow()
    await balancer.close()
    await expect(balancer.whenReady()).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
