import { describe, expect, it } from 'vitest'
import { POLICY_NAMES } from '../../src/core/balancer/policies/index.js'
import { choosePolicy, parseServiceConfig } from '../../src/core/balancer/service-config.js'

const list = (...entries: readonly unknown[]) => ({ loadBalancingConfig: entries })
const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error

describe('parseServiceConfig', () => {
  it.each(POLICY_NAMES)('knows %s', (name) => {
    expect(parseServiceConfig(list({ [name]: {} }))?.name).toBe(name)
  })

  it.each([
    ['least_request_experimental', 'least_request'],
    ['ring_hash_experimental', 'ring_hash'],
  ])('knows %s as %s', (alias, name) => {
    expect(parseServiceConfig(list({ [alias]: {} }))?.name).toBe(name)
  })

  it('takes the first entry it knows', () => {
    expect(parseServiceConfig(list({ mystery: {} }, { random: {} }, { round_robin: {} }))?.name).toBe('random')
  })

  it('takes the child policy of grpclb for servers', () => {
    const childPolicy = [{ mystery: {} }, { pick_first: {} }]
    expect(parseServiceConfig(list({ grpclb: { childPolicy } }))?.name).toBe('pick_first')
  })

  it('takes the default, by weight, where grpclb has no child policy', () => {
    expect(parseServiceConfig(list({ grpclb: {} }))?.name).toBe('weighted_round_robin')
    expect(parseServiceConfig(list({ grpclb: { serviceName: 'web', dropPercent: 5 } }))?.name).toBe(
      'weighted_round_robin',
    )
  })

  it('reads the older field, in any case, where there is no list', () => {
    expect(parseServiceConfig({ loadBalancingPolicy: 'ROUND_ROBIN' })?.name).toBe('round_robin')
    expect(parseServiceConfig({ loadBalancingPolicy: 'GRPCLB' })?.name).toBe('weighted_round_robin')
    expect(parseServiceConfig({ loadBalancingPolicy: 'x', ...list({ random: {} }) })?.name).toBe('random')
  })

  it('finds nothing in a config that does not speak of balancing', () => {
    expect(parseServiceConfig({ methodConfig: [] })).toBeUndefined()
  })

  it.each([
    ['unknown policies only', list({ mystery: {} }, { other: {} })],
    ['a name every object has', list({ constructor: {} })],
    ['an empty list', list()],
    ['no list', { loadBalancingConfig: { round_robin: {} } }],
    ['an entry of two names', list({ round_robin: {}, random: {} })],
    ['an entry of no name', list({})],
    ['an entry that is no object', list('round_robin')],
    ['an unknown older name', { loadBalancingPolicy: 'mystery' }],
    ['an older name every object has', { loadBalancingPolicy: '__proto__' }],
    ['an older name that is none', { loadBalancingPolicy: 3 }],
    ['no object', [1]],
    ['a config that is no object', list({ ring_hash: 3 })],
    ['too few choices', list({ least_request: { choiceCount: 1 } })],
    ['a number that is none', list({ least_request: { choiceCount: 'many' } })],
    ['a ring larger at least than at most', list({ ring_hash: { minRingSize: 5000 } })],
    ['a ring beyond bounds', list({ ring_hash: { maxRingSize: 8_388_609 } })],
    ['a header that is none', list({ ring_hash: { requestHashHeader: 'no good' } })],
    ['a header longer than names are', list({ ring_hash: { requestHashHeader: 'x'.repeat(257) } })],
    ['a binary header', list({ ring_hash: { requestHashHeader: 'trace-bin' } })],
    ['a header of maglev that is none', list({ maglev: { requestHashHeader: 'no good' } })],
    ['a config of grpclb that is no object', list({ grpclb: 3 })],
    ['a child policy of grpclb that is no list', list({ grpclb: { childPolicy: 'round_robin' } })],
    ['a service of grpclb that is no name', list({ grpclb: { serviceName: 5 } })],
    ['more drops than calls', list({ grpclb: { dropPercent: 101 } })],
    ['drops that are no number', list({ grpclb: { dropPercent: '5' } })],
    ['a truth that is none', list({ pick_first: { shuffleAddressList: 'yes' } })],
  ])('refuses %s', (_, config) => {
    expect(() => parseServiceConfig(config)).toThrow(invalid)
  })
})

describe('choosePolicy', () => {
  it.each([
    ['least_request', { choiceCount: 40 }, { choiceCount: 10 }],
    ['least_request', { choice_count: 3 }, { choiceCount: 3 }],
    ['ring_hash', {}, { ringSize: undefined, requestHashHeader: undefined }],
    [
      'ring_hash',
      { minRingSize: '2000', requestHashHeader: 'X-User' },
      { ringSize: { min: 2000, max: 4096 }, requestHashHeader: 'x-user' },
    ],
    ['ring_hash', { min_ring_size: 10, max_ring_size: 8_388_608 }, { ringSize: { min: 10, max: 4096 } }],
    ['maglev', { requestHashHeader: 'X-User' }, { requestHashHeader: 'x-user' }],
    ['source_hash', { request_hash_header: 'x-user' }, { requestHashHeader: 'x-user' }],
    ['pick_first', { shuffleAddressList: true }, { shuffleAddressList: true }],
  ])('reads the config of %s: %j', (name, raw, expected) => {
    expect(choosePolicy(name, raw).config).toMatchObject(expected)
  })

  it('names every policy when it does not know one', () => {
    expect(() => choosePolicy('fastest')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', hint: expect.stringContaining('peak_ewma') as string }),
    )
  })
})
