import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import { choosePolicy } from '../../src/core/balancer/service-config.js'
import type { Endpoint } from '../../src/core/model/endpoint.js'
import { endpoint, runtime, snapshot } from '../support/balancing.js'

const addresses = (endpoints: readonly Partial<Endpoint>[]) => endpoints.map((each, i) => endpoint(i + 1, each))

describe('balancer', () => {
  it('has nothing to pick before the first snapshot', () => {
    const balancer = createBalancer({}, runtime())
    expect(() => balancer.pick({})).toThrow(expect.objectContaining({ code: 'NO_ENDPOINTS' }))
  })

  it('says why there is nothing to pick, in one error until that changes', () => {
    const balancer = createBalancer({}, runtime())
    expect(balancer.tryPick({})).toBeUndefined()
    const { message } = balancer.failure()
    balancer.update(snapshot([]))
    expect(balancer.tryPick({})).toBeUndefined()
    expect(balancer.failure().message).not.toBe(message)
    expect(balancer.failure()).toBe(balancer.failure())
    balancer.update(snapshot([endpoint(1)]))
    expect(balancer.tryPick({})!.upstream.inFlight).toBe(1)
    expect(balancer.tryPick({ exclude: [balancer.pick({}).upstream] })).toBeUndefined()
  })

  it('goes by weighted_round_robin when nothing says otherwise', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot(addresses([{ weight: 5 }, {}, {}])))
    const picks = Array.from({ length: 7 }, () => balancer.pick({}).upstream.endpoint.host.at(-1))
    expect(picks.join('')).toBe('1121311')
    expect(balancer.status().policy).toBe('weighted_round_robin')
  })

  it('counts a request from its pick to its done, once', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot([endpoint(1)]))
    const first = balancer.pick({})
    const second = balancer.pick({})
    expect(first.upstream.inFlight).toBe(2)
    first.done({ ok: true })
    first.done({ ok: true })
    expect(first.upstream.inFlight).toBe(1)
    second.done({ ok: false })
    expect(first.upstream.inFlight).toBe(0)
    expect(first.upstream.picks).toBe(2)
  })

  it('keeps counters and latency over a changed weight', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot([endpoint(1)]))
    const { upstream } = balancer.pick({})
    balancer.pick({}).done({ ok: true, latencyMs: 40 })
    balancer.update(snapshot([endpoint(1, { weight: 7 })]))
    expect(balancer.pick({}).upstream).toBe(upstream)
    expect(upstream.endpoint.weight).toBe(7)
    expect(upstream.inFlight).toBe(2)
    expect(upstream.isLatencySeen).toBe(true)
  })

  it('drops the latency learnt about an instance when another takes its address', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot([endpoint(1, { id: 'old' })]))
    const { upstream } = balancer.pick({})
    balancer.pick({}).done({ ok: true, latencyMs: 40 })
    balancer.update(snapshot([endpoint(1, { id: 'new' })]))
    expect(balancer.pick({}).upstream).toBe(upstream)
    expect(upstream.isLatencySeen).toBe(false)
    expect(upstream.inFlight).toBe(2)
  })

  it('remembers requests in flight to an endpoint that leaves and comes back', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot([endpoint(1)]))
    const held = balancer.pick({})
    balancer.update(snapshot([]))
    balancer.update(snapshot([endpoint(1)]))
    expect(balancer.pick({}).upstream).toBe(held.upstream)
    expect(held.upstream.inFlight).toBe(2)
  })

  it('starts afresh with an endpoint that comes back after its requests ended', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot([endpoint(1)]))
    const held = balancer.pick({})
    balancer.update(snapshot([]))
    held.done({ ok: true })
    balancer.update(snapshot([endpoint(1)]))
    expect(balancer.pick({}).upstream).not.toBe(held.upstream)
  })

  it('sends nothing new to draining, resting and lookaside endpoints', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(
      snapshot(addresses([{ state: 'drain' }, { state: 'maint' }, { role: 'balancer' }, {}, { weight: 0 }])),
    )
    const picked = new Set(Array.from({ length: 20 }, () => balancer.pick({}).upstream.endpoint.address))
    expect([...picked]).toEqual([endpoint(4).address])
    expect(balancer.status().upstreams.map((each) => each.verdict)).toEqual([
      'drain',
      'maint',
      'balancer',
      'ready',
      'weight_zero',
    ])
  })

  it('says why nothing may take traffic', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot(addresses([{ state: 'drain' }, { state: 'drain' }, { state: 'maint' }])))
    expect(() => balancer.pick({})).toThrow(/2 draining.*; 1 in maintenance/)
  })

  it.each<[string, Partial<Endpoint>[], string]>([
    ['none', [], 'fairlead register web ADDRESS'],
    ['a lookaside balancer', [{ role: 'balancer' }], 'fairlead register web ADDRESS'],
    ['a drained one', [{ role: 'balancer' }, { state: 'drain' }], 'fairlead set web ADDRESS --state ready'],
    ['one that is not connected', [{ role: 'balancer' }, {}], 'fairlead doctor web'],
  ])('says what to do where there is nobody but %s', (_, fields, command) => {
    const balancer = createBalancer({ byConnection: true }, runtime())
    balancer.update(snapshot(addresses(fields)))
    expect(balancer.failure().hint).toContain(command)
  })

  it('uses weight 0 when nothing else exists', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot(addresses([{ weight: 0 }, { weight: 0 }, { state: 'drain' }])))
    const picked = new Set(Array.from({ length: 20 }, () => balancer.pick({}).upstream.endpoint.address))
    expect(picked.size).toBe(2)
  })

  it('takes the endpoint that a request prefers, whatever the policy, while it may be used', () => {
    const balancer = createBalancer({ policy: choosePolicy('pick_first') }, runtime())
    balancer.update(snapshot(addresses([{}, {}, { state: 'drain' }])))
    const { upstream } = balancer.pick({ prefer: endpoint(2).address })
    expect(upstream.endpoint.address).toBe(endpoint(2).address)
    expect(upstream.inFlight).toBe(1)
    const others = [
      balancer.pick({ prefer: endpoint(2).address, exclude: [upstream] }),
      balancer.pick({ prefer: endpoint(3).address }),
      balancer.pick({ prefer: 'nobody:1' }),
    ]
    expect(others.map((each) => each.upstream.endpoint.address)).toEqual(Array(3).fill(endpoint(1).address))
  })

  it('learns nothing from a request that says nothing about its endpoint', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot([endpoint(1)]))
    const picked = balancer.pick({})
    picked.done({ ok: undefined, latencyMs: 40 })
    const { upstream } = picked
    expect(upstream.isLatencySeen).toBe(false)
    expect(upstream.inFlight).toBe(0)
  })

  it('throws when a request has failed everywhere', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update(snapshot([endpoint(1), endpoint(2)]))
    const first = balancer.pick({}).upstream
    const second = balancer.pick({ exclude: [first] }).upstream
    expect(second).not.toBe(first)
    expect(() => balancer.pick({ exclude: [first, second] })).toThrow(expect.objectContaining({ code: 'NO_ENDPOINTS' }))
  })

  it('rebuilds nothing for an equal set', () => {
    const choice = choosePolicy('round_robin')
    let builds = 0
    const counting = {
      ...choice,
      policy: {
        ...choice.policy,
        build: (...args: Parameters<typeof choice.policy.build>) => {
          builds++
          return choice.policy.build(...args)
        },
      },
    }
    const balancer = createBalancer({ policy: counting }, runtime())
    balancer.update(snapshot([endpoint(1), endpoint(2)]))
    balancer.update(snapshot([endpoint(1), endpoint(2, { meta: { version: '2' } }), endpoint(3, { state: 'drain' })]))
    expect(builds).toBe(1)
    balancer.update(snapshot([endpoint(1), endpoint(2, { weight: 2 })]))
    expect(builds).toBe(2)
  })
})

describe('service config', () => {
  const config = (policy: string) => ({ loadBalancingConfig: [{ [policy]: {} }] })

  it('chooses the policy', () => {
    const balancer = createBalancer({}, runtime())
    balancer.update({ ...snapshot([endpoint(1)]), serviceConfig: config('random') })
    expect(balancer.status().policy).toBe('random')
    balancer.update(snapshot([endpoint(1)]))
    expect(balancer.status().policy).toBe('weighted_round_robin')
  })

  it('yields to a policy that was asked for', () => {
    const balancer = createBalancer({ policy: choosePolicy('pick_first') }, runtime())
    balancer.update({ ...snapshot([endpoint(1)]), serviceConfig: config('random') })
    expect(balancer.status().policy).toBe('pick_first')
  })

  it('that cannot be used leaves the policy as it was, and shows', () => {
    const warnings: string[] = []
    const log = { ...runtime().log, warn: (message: string) => void warnings.push(message) }
    const balancer = createBalancer({}, { ...runtime(), log })
    balancer.update({ ...snapshot([endpoint(1)]), serviceConfig: config('random') })
    for (let i = 0; i < 2; i++) balancer.update({ ...snapshot([endpoint(1)]), serviceConfig: config('nonsense') })
    expect(balancer.status().policy).toBe('random')
    expect(balancer.status().configError?.message).toContain('nonsense')
    expect(balancer.pick({}).upstream.endpoint.address).toBe(endpoint(1).address)
    expect(warnings).toHaveLength(1)
    balancer.update({ ...snapshot([endpoint(1)]), serviceConfig: config('round_robin') })
    expect(balancer.status()).toMatchObject({ policy: 'round_robin', configError: undefined })
  })
})
