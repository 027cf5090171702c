import { connectivityState, experimental, Metadata } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import { attributesOf, balancersOf, resolvedOf } from '../../src/core/grpc/attribute.js'
import { channelConfig } from '../../src/core/grpc/channel-config.js'
import { registerGrpclb } from '../../src/core/grpc/grpclb/register.js'
import { FailedAttempts } from '../../src/core/grpc/policy/failed-attempts.js'
import { OwnOrder } from '../../src/core/grpc/policy/own-order.js'
import { plainSnapshot } from '../../src/core/grpc/policy/plain-snapshot.js'
import { PolicyBalancer } from '../../src/core/grpc/policy/policy-balancer.js'
import { ANY_POLICY, configType } from '../../src/core/grpc/policy/policy-config.js'
import { registerPolicies } from '../../src/core/grpc/policy/register-policies.js'
import { Reservations } from '../../src/core/grpc/policy/reservations.js'
import { sameConnectionOptions } from '../../src/core/grpc/policy/same-options.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { endpoint, runtime, snapshot, upstreamsOf } from '../support/balancing.js'
import { seededRandom } from '../support/seeded-random.js'

describe('reservations', () => {
  function start() {
    const { clock, ...rest } = runtime()
    const balancer = createBalancer({}, { clock, ...rest })
    balancer.update(snapshot([endpoint(1)]))
    const reservations = new Reservations(clock)
    const reserve = () => {
      return reservations.add(balancer.pick({}))
    }
    return { clock, reservations, reserve }
  }

  it('let picks go whose calls never begin, and keep those that do', async () => {
    const { clock, reservations, reserve } = start()
    const { upstream } = reserve().pick
    reservations.remove(reserve())
    expect(upstream.inFlight).toBe(2)
    await clock.advance(9_999)
    reserve()
    expect(upstream.inFlight).toBe(3)
    await clock.advance(10_001)
    expect(upstream.inFlight).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('have no timer without picks, nor after close', async () => {
    const { clock, reservations, reserve } = start()
    expect(clock.pending).toBe(0)
    reservations.remove(reserve())
    await clock.advance(10_000)
    expect(clock.pending).toBe(0)
    reserve()
    reservations.close()
    expect(clock.pending).toBe(0)
  })

  it('take a call that begins late for one that is no longer counted', async () => {
    const { clock, reservations, reserve } = start()
    const reservation = reserve()
    const { pick } = reservation
    await clock.advance(20_000)
    reservations.remove(reservation)
    pick.done({ ok: true })
    expect(pick.upstream.inFlight).toBe(0)
  })
})

describe('failed attempts', () => {
  const [first, second] = upstreamsOf([endpoint(1), endpoint(2)])

  it('are known in later attempts of the same call only', () => {
    const failed = new FailedAttempts()
    const call = new Metadata()
    const attempt = () => call.clone()
    const retry = () => {
      const metadata = attempt()
      metadata.set('grpc-previous-rpc-attempts', '1')
      return metadata.clone()
    }
    expect(failed.of(retry())).toBeUndefined()
    failed.add(attempt(), first!)
    failed.add(retry(), second!)
    failed.add(retry(), second!)
    expect(failed.of(attempt())).toBeUndefined()
    expect(failed.of(retry())).toEqual([first, second])
    const other = new Metadata()
    other.set('grpc-previous-rpc-attempts', '1')
    expect(failed.of(other)).toBeUndefined()
  })

  it('are the last four', () => {
    const failed = new FailedAttempts()
    const call = new Metadata()
    call.set('grpc-previous-rpc-attempts', '1')
    const upstreams = upstreamsOf([1, 2, 3, 4, 5, 6].map((n) => endpoint(n)))
    for (const upstream of upstreams) failed.add(call, upstream)
    expect(failed.of(call)).toEqual(upstreams.slice(2))
  })
})

describe('the config of a channel', () => {
  registerPolicies(systemRuntime)
  const chosen = (raw: unknown, lookaside = false) => channelConfig(raw, lookaside).loadBalancingConfig

  it('is gRPC’s default where nothing is said', () => {
    expect(chosen(undefined)).toEqual([{ fairlead: {} }])
    expect(chosen({ methodConfig: [{ name: [{ service: 'a' }], timeout: '2s' }] })).toEqual([{ fairlead: {} }])
    expect(channelConfig({ methodConfig: [{ name: [{}], timeout: '2s' }] }, false).methodConfig).toEqual([
      { name: [{}], timeout: { seconds: 2, nanos: 0 } },
    ])
  })

  it.each([
    ['0.2s', 0, 200_000_000],
    ['1.05s', 1, 50_000_000],
    ['3.000000001s', 3, 1],
  ])('has time-outs to the nanosecond: %s', (timeout, seconds, nanos) => {
    const { methodConfig } = channelConfig({ methodConfig: [{ name: [{}], timeout }, { name: [] }] }, false)
    expect(methodConfig).toEqual([{ name: [{}], timeout: { seconds, nanos } }, { name: [] }])
  })

  it('names ours in place of grpc-js’s, whose first known entry it is', () => {
    const round = { round_robin: {} }
    expect(chosen({ loadBalancingConfig: [{ mystery: {} }, round, { random: {} }] })).toEqual([
      { fairlead: { childPolicy: [round] } },
    ])
    const inherited = [{ constructor: {} }, JSON.parse('{"__proto__":{}}') as object]
    expect(chosen({ loadBalancingConfig: [...inherited, round] })).toEqual([{ fairlead: { childPolicy: [round] } }])
    expect(chosen({ loadBalancingPolicy: 'ROUND_ROBIN' })).toEqual([{ fairlead: { childPolicy: [round] } }])
    expect(chosen({ loadBalancingConfig: [{ grpclb: { childPolicy: [round] } }] })).toEqual([
      { fairlead: { childPolicy: [{ grpclb: { childPolicy: [round] } }] } },
    ])
  })

  it('leaves policies alone that others made known', () => {
    const entry = { outlier_detection: { child_policy: [{ round_robin: {} }] } }
    expect(chosen({ loadBalancingConfig: [entry, { random: {} }] })).toEqual([entry])
  })

  it.each([
    { loadBalancingConfig: [{ mystery: {} }] },
    { loadBalancingConfig: [{ ring_hash: { minRingSize: -1 } }] },
    { loadBalancingConfig: [{ outlier_detection: {} }] },
    { loadBalancingConfig: {} },
    { loadBalancingPolicy: 'mystery' },
    { methodConfig: [{ name: [{}], timeout: '0.1234567890s' }] },
    { methodConfig: [null] },
    { retryThrottling: { maxTokens: 0, tokenRatio: 1 } },
  ])('refuses %j', (raw) => {
    expect(() => channelConfig(raw, false)).toThrow()
  })
})

describe('the config of a channel with lookaside balancers', () => {
  registerGrpclb(systemRuntime)

  it('is grpclb’s, over what the config says otherwise', () => {
    const childPolicy = [{ random: {} }]
    expect(channelConfig({ loadBalancingConfig: childPolicy }, true).loadBalancingConfig).toEqual([
      { grpclb: { childPolicy } },
    ])
  })

  it.each([{ serviceName: 5 }, { childPolicy: [{ round_robin: null }] }])(
    'refuses what grpclb cannot use: %j',
    (grpclb) => {
      expect(() => channelConfig({ loadBalancingConfig: [{ grpclb }] }, true)).toThrow()
    },
  )
})

describe('attributes', () => {
  it('hand the snapshot on and make no difference to connections', () => {
    const balancer = endpoint(2, { role: 'balancer' })
    const seen = snapshot([endpoint(1), balancer, endpoint(3, { role: 'balancer', state: 'maint' })])
    const attributes = attributesOf({ snapshot: seen, disprove: () => undefined })
    expect(resolvedOf(attributes)?.snapshot).toBe(seen)
    expect(resolvedOf({})).toBeUndefined()
    expect(balancersOf(seen)).toEqual([balancer])
    expect(sameConnectionOptions({ a: 1 }, { ...attributes, a: 1 })).toBe(true)
    expect(sameConnectionOptions({ a: 1 }, { a: 2 })).toBe(false)
    expect(sameConnectionOptions({ a: undefined }, { b: undefined })).toBe(false)
  })
})

describe('a policy that is destroyed', () => {
  it('leaves no timer of outlier detection, and tells nothing any more', () => {
    const own = runtime()
    const told: connectivityState[] = []
    const helper: experimental.ChannelControlHelper = {
      createSubchannel: () => expect.fail('there is nobody to connect to'),
      updateState: (state) => told.push(state),
      requestReresolution: () => undefined,
      addChannelzChild: () => undefined,
      removeChannelzChild: () => undefined,
    }
    const outlierDetection = { outlier_detection_experimental: { childPolicy: [{ round_robin: {} }] } }
    const config = configType(ANY_POLICY).createFromJson({ childPolicy: [outlierDetection] })
    const policy = new PolicyBalancer(ANY_POLICY, helper, own)
    policy.updateAddressList(experimental.statusOrFromValue([]), config, {}, '')
    expect([told, own.clock.pending]).toEqual([[connectivityState.TRANSIENT_FAILURE], 1])
    policy.destroy()
    expect([told.length, own.clock.pending]).toEqual([1, 0])
  })
})

describe('the order of a channel', () => {
  const numbers = (order: OwnOrder, ...all: number[]) =>
    order.of(all.map((n) => endpoint(n))).map(({ host }) => Number(host.split('.')[3]))

  it('begins with an endpoint of its own, whoever comes and goes', () => {
    const order = new OwnOrder({ next: () => 0.5 })
    expect(numbers(order)).toEqual([])
    expect(numbers(order, 1, 2, 4, 5)).toEqual([4, 5, 1, 2])
    expect(numbers(order, 1, 2, 3, 4, 5)).toEqual([4, 5, 1, 2, 3])
    expect(numbers(order, 1, 2, 5)).toEqual([5, 1, 2])
    expect(numbers(order, 1, 2)).toEqual([1, 2])
  })

  it('may begin with any', () => {
    const random = seededRandom(1)
    const first = () => numbers(new OwnOrder(random), 1, 2, 3)[0]
    expect(new Set(Array.from({ length: 50 }, first))).toEqual(new Set([1, 2, 3]))
  })
})

describe('what other resolvers find', () => {
  it('counts as ready servers of weight 1, whatever kind of address they have', () => {
    const { endpoints } = plainSnapshot('x', [
      { addresses: [{ host: '::1', port: 80 }] },
      { addresses: [{ path: '/run/a.sock' }] },
      {
        addresses: [
          { host: '10.0.0.1', port: 1 },
          { host: '10.0.0.2', port: 2 },
        ],
      },
    ])
    expect(endpoints.map(({ address, weight, state }) => [address, weight, state])).toEqual([
      ['[::1]:80', 1, 'ready'],
      ['/run/a.sock', 1, 'ready'],
      ['10.0.0.1:1,10.0.0.2:2', 1, 'ready'],
    ])
  })
})
