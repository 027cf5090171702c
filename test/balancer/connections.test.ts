import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import { choosePolicy, type PolicyChoice } from '../../src/core/balancer/service-config.js'
import type { Policy } from '../../src/core/balancer/policy.js'
import { POLICIES } from '../../src/core/balancer/policies/index.js'
import { endpoint, runtime, snapshot } from '../support/balancing.js'

function start(policy: PolicyChoice = choosePolicy('round_robin')) {
  const changes: number[] = []
  const { clock, ...rest } = runtime()
  const balancer = createBalancer(
    { policy, byConnection: true, onChange: () => changes.push(clock.now()) },
    { clock, ...rest },
  )
  const upstreams = () => balancer.status().upstreams
  const connect = (n: number, connected = true) => balancer.setConnected([[upstreams()[n - 1]!.upstream, connected]])
  const verdicts = () => upstreams().map(({ verdict }) => verdict)
  return { balancer, clock, changes, upstreams, connect, verdicts }
}

describe('a balancer by connection', () => {
  it('picks nothing but what is connected, and says so', () => {
    const { balancer, changes, connect, verdicts } = start()
    balancer.update(snapshot([endpoint(1), endpoint(2), endpoint(3, { state: 'drain' })]))
    expect(balancer.tryPick({})).toBeUndefined()
    expect(verdicts()).toEqual(['unconnected', 'unconnected', 'drain'])
    connect(2)
    connect(3)
    expect(verdicts()).toEqual(['unconnected', 'ready', 'drain'])
    expect([1, 2].map(() => balancer.pick({}).upstream.endpoint.address)).toEqual(['10.0.0.2:80', '10.0.0.2:80'])
    connect(2, false)
    expect(balancer.tryPick({})).toBeUndefined()
    expect(changes).toHaveLength(2)
  })

  it('keeps to an endpoint of weight 0 only if there is no other, connected or not', () => {
    const { balancer, connect, verdicts } = start()
    balancer.update(snapshot([endpoint(1), endpoint(2, { weight: 0 })]))
    connect(2)
    expect(verdicts()).toEqual(['unconnected', 'weight_zero'])
    balancer.update(snapshot([endpoint(2, { weight: 0 })]))
    expect(verdicts()).toEqual(['last_resort'])
  })

  it('keeps counters over a lost connection, and ignores what is told of those that left', () => {
    const { balancer, connect, upstreams } = start()
    balancer.update(snapshot([endpoint(1)]))
    connect(1)
    const { upstream } = balancer.pick({})
    connect(1, false)
    connect(1)
    expect(balancer.pick({}).upstream).toBe(upstream)
    expect(upstream.inFlight).toBe(2)
    balancer.update(snapshot([]))
    balancer.setConnected([[upstream, false]])
    expect(upstreams()).toEqual([])
  })

  it('has pickers that take long to build built once for many changes', async () => {
    const { clock, ...rest } = runtime()
    let builds = 0
    const slow: Policy = {
      ...POLICIES.round_robin,
      build: (...args) => {
        builds++
        clock.jump(2)
        return POLICIES.round_robin.build(args[0], undefined, args[2], args[3])
      },
    }
    const policy: PolicyChoice = { name: 'round_robin', policy: slow, config: undefined }
    const balancer = createBalancer({ policy, byConnection: true }, { clock, ...rest })
    balancer.update(snapshot(Array.from({ length: 50 }, (_, n) => endpoint(n))))
    for (const { upstream } of balancer.status().upstreams) balancer.setConnected([[upstream, true]])
    expect(builds).toBe(1)
    await clock.advance(8)
    expect(builds).toBe(2)
    await clock.advance(20)
    const all = (connected: boolean) =>
      balancer.status().upstreams.map(({ upstream }) => [upstream, connected] as const)
    balancer.setConnected(all(false))
    balancer.setConnected(all(true))
    expect(builds).toBe(3)
    expect(balancer.status().upstreams.every(({ verdict }) => verdict === 'ready')).toBe(true)
    expect(clock.pending).toBe(0)
  })
})
