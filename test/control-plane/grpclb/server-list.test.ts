import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { candidatesFor } from '../../../src/core/control-plane/grpclb/candidates.js'
import { dropPercentOf } from '../../../src/core/control-plane/grpclb/drop-config.js'
import { withDrops } from '../../../src/core/control-plane/grpclb/drops.js'
import { interleave } from '../../../src/core/control-plane/grpclb/interleave.js'
import { ipBytes } from '../../../src/core/control-plane/grpclb/ip-bytes.js'
import { repetitions } from '../../../src/core/control-plane/grpclb/repetitions.js'
import { readRequestedName } from '../../../src/core/control-plane/grpclb/request-name.js'
import { listTurns } from '../../../src/core/control-plane/grpclb/server-list.js'
import type { ServiceView } from '../../../src/core/control-plane/directory/contract.js'
import { encodeServerList } from '../../../src/core/control-plane/grpclb/encode.js'
import { grpclbProto, type Server } from '../../../src/core/protos/grpclb.js'
import { served, serviceView } from '../support/fake-directory.js'

const hostsOf = (endpoints: readonly { readonly ip: string }[]) => endpoints.map(({ ip }) => ip)
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
const config = (entry: object) => ({ loadBalancingConfig: [entry] })

describe('a requested name', () => {
  it('is a service, with or without a port and a zone', () => {
    expect(readRequestedName('web')).toEqual({ service: 'web', zone: undefined })
    expect(readRequestedName('web:8080')).toEqual({ service: 'web', zone: undefined })
    expect(readRequestedName('web@eu-1')).toEqual({ service: 'web', zone: 'eu-1' })
    expect(readRequestedName('web@eu-1:443')).toEqual({ service: 'web', zone: 'eu-1' })
    expect(readRequestedName('web:443@eu-1')).toEqual({ service: 'web', zone: 'eu-1' })
    expect(readRequestedName('web@')).toEqual({ service: 'web', zone: undefined })
  })

  it('is refused where it cannot be a service', () => {
    for (const name of ['', ':80', '@a', '.web', 'a/b', 'a b', 'x'.repeat(129), `web@${'z'.repeat(300)}`]) {
      expect(readRequestedName(name), name).toBeTypeOf('string')
    }
  })
})

describe('the endpoints a client may use', () => {
  const mixed = [
    served('10.0.0.1:80', { zone: 'a' }),
    served('10.0.0.2:80', { zone: 'a' }),
    served('10.0.0.3:80', { zone: 'b' }),
    served('10.0.0.4:80', { zone: 'b' }),
  ]

  it('are those that are usable', () => {
    const drained = [
      ...mixed,
      served('10.0.0.5:80', { state: 'draining' }),
      served('10.0.0.6:80', { state: 'unhealthy' }),
    ]
    expect(hostsOf(candidatesFor(serviceView('web', drained), undefined))).toEqual(hostsOf(mixed))
  })

  it('stay in the zone while enough of it is usable', () => {
    const zone = (unhealthy: number) =>
      serviceView('web', [
        ...Array.from({ length: 10 }, (_, i) =>
          served(`10.0.1.${i}:80`, { zone: 'a', state: i < unhealthy ? 'unhealthy' : 'usable' }),
        ),
        ...Array.from({ length: 10 }, (_, i) => served(`10.0.2.${i}:80`, { zone: 'b' })),
      ])
    expect(candidatesFor(zone(0), 'a')).toHaveLength(10)
    expect(candidatesFor(zone(2), 'a')).toHaveLength(8)
    expect(candidatesFor(zone(3), 'a')).toHaveLength(17)
    expect(candidatesFor(zone(3), 'b')).toHaveLength(10)
    expect(candidatesFor(zone(0), 'nowhere')).toHaveLength(20)
    const leaving = [...mixed, served('10.0.0.5:80', { zone: 'a', state: 'draining' })]
    expect(hostsOf(candidatesFor(serviceView('web', leaving), 'a'))).toEqual(['10.0.0.1', '10.0.0.2'])
  })
})

describe('repetitions', () => {
  it('are the weights without their common divisor, where they fit', () => {
    expect(repetitions([100, 200, 600], 256)).toEqual([1, 2, 6])
    expect(repetitions([7, 7, 7], 256)).toEqual([1, 1, 1])
    expect(repetitions([0, 0], 256)).toEqual([1, 1])
    expect(repetitions([], 256)).toEqual([])
  })

  it('keep every share within an entry of the ideal, at the least one entry, and never exceed the limit', () => {
    const weights = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0.01, max: 1000, noNaN: true })),
      {
        minLength: 1,
        maxLength: 60,
      },
    )
    fc.assert(
      fc.property(weights, (given) => {
        const counts = repetitions(given, 64)
        expect(Math.min(...counts)).toBeGreaterThanOrEqual(1)
        expect(sum(counts)).toBeLessThanOrEqual(64)
        // Those whose share is below one entry have one; among the others the rest goes by weight.
        const scale = sum(counts) / sum(given)
        given.forEach((weight, i) => {
          if (counts[i]! > 1) expect(counts[i]!).toBeLessThan(weight * scale + 1 + 1e-6)
          for (let j = 0; j < i; j++) if (given[j]! > weight) expect(counts[j]).toBeGreaterThanOrEqual(counts[i]!)
        })
      }),
    )
  })

  it('deal out what cannot be exact by largest remainder', () => {
    expect(repetitions([1000, 999], 10)).toEqual([1, 1])
    expect(repetitions([1000, 1], 10)).toEqual([9, 1])
    expect(repetitions([50.5, 49.5, 0.1], 11)).toEqual([5, 5, 1])
  })
})

describe('interleaving', () => {
  it('is nginx’s smooth order', () => {
    expect(interleave(['a', 'b', 'c'], [5, 1, 1]).join('')).toBe('aabacaa')
  })

  it('leaves equal shares in their order', () => {
    expect(interleave(['a', 'b', 'c'], [1, 1, 1])).toEqual(['a', 'b', 'c'])
  })

  it('has each as often as asked, spread over the list, however many there are', () => {
    const items = Array.from({ length: 300 }, (_, i) => i)
    const counts = items.map((i) => (i === 0 ? 100 : 1 + (i % 3)))
    const list = interleave(items, counts)
    expect(items.map((item) => list.filter((each) => each === item).length)).toEqual(counts)
    const places = list.flatMap((item, place) => (item === 0 ? [place] : []))
    const gaps = places.slice(1).map((place, i) => place - places[i]!)
    expect(Math.max(...gaps)).toBeLessThan(2 * (list.length / 100))
  })
})

describe('drops', () => {
  const shareOf = (list: readonly string[]) => list.filter((each) => each === '-').length / list.length

  it('come as near their share as the limit lets them', () => {
    for (const percent of [1, 5, 10, 33, 50, 90, 99]) {
      for (const count of [1, 3, 7, 100]) {
        const list = withDrops(Array<string>(count).fill('s'), percent, '-', 16_384)
        expect(Math.abs(shareOf(list) - percent / 100), `${percent} % of ${count}`).toBeLessThan(0.01)
        expect(list.length).toBeLessThanOrEqual(10_000)
      }
    }
  })

  it('keep the order of the servers around them, and are spread evenly', () => {
    expect(withDrops(['a', 'b', 'c'], 25, '-', 64)).toEqual(['a', 'b', 'c', '-'])
    expect(withDrops(['a', 'b', 'c', 'd'], 50, '-', 64)).toEqual(['a', '-', 'b', '-', 'c', '-', 'd', '-'])
    expect(
      withDrops(['a', 'b', 'c'], 10, '-', 64)
        .filter((each) => each !== '-')
        .join(''),
    ).toBe('abcabcabc')
  })

  it('are none where none are asked for, or nothing is there to be dropped', () => {
    expect(withDrops(['a'], 0, '-', 64)).toEqual(['a'])
    expect(withDrops([], 50, '-', 64)).toEqual([])
    expect(withDrops(['a', 'b'], 100, '-', 64)).toEqual(['-'])
  })

  it('are read from the entry of the policy, and from nothing that makes no sense', () => {
    expect(dropPercentOf(config({ grpclb: { dropPercent: 12.4 } }))).toBe(12)
    expect(dropPercentOf({ loadBalancingConfig: [{ unknown: {} }, { grpclb: { dropPercent: 7 } }] })).toBe(7)
    for (const dropPercent of [-1, 101, '5', null, NaN, {}]) {
      expect(dropPercentOf(config({ grpclb: { dropPercent } }))).toBe(0)
    }
    expect(dropPercentOf(undefined)).toBe(0)
    expect(dropPercentOf({ loadBalancingConfig: [null, 3, { grpclb: null }] as never })).toBe(0)
    expect(dropPercentOf(JSON.parse('{"loadBalancingConfig":[{"__proto__":{"dropPercent":9}}]}') as never)).toBe(0)
  })
})

/** What a client reads of the list that it is sent. */
function serverList(view: ServiceView, zone: string | undefined): readonly Server[] {
  const message = encodeServerList(view.service, listTurns(view, zone))
  return grpclbProto().response.deserialize(message).server_list!.servers
}

describe('a server list', () => {
  const weighted = [
    served('10.0.0.1:80', { weight: 100 }),
    served('10.0.0.2:80', { weight: 200 }),
    served('10.0.0.3:80', { weight: 600 }),
  ]
  const lastBytes = (...args: Parameters<typeof serverList>) =>
    serverList(...args).map(({ ip_address }) => ip_address!.at(-1))

  it('repeats by weight unless the policy looks at none', () => {
    expect(lastBytes(serviceView('web', weighted), undefined)).toEqual([3, 2, 3, 3, 1, 3, 3, 2, 3])
    expect(
      lastBytes(serviceView('web', weighted, { serviceConfig: config({ least_request: {} }) }), undefined),
    ).toHaveLength(9)
    for (const policy of ['round_robin', 'pick_first', 'random']) {
      const view = serviceView('web', weighted, { serviceConfig: config({ [policy]: {} }) })
      expect(lastBytes(view, undefined), policy).toEqual([1, 2, 3])
    }
  })

  it('names addresses in network order and each endpoint by a token of less than 50 bytes', () => {
    const view = serviceView('web', [
      served('10.0.0.1:8080', { id: '01JABC' }),
      served('[2001:db8::1]:443'),
      served('10.0.0.3:1', { id: 'i'.repeat(100) }),
      served('10.0.0.4:1', { id: 'not printable: ü' }),
    ])
    const list = serverList(view, undefined)
    expect(list[0]).toEqual({
      ip_address: Buffer.from([10, 0, 0, 1]),
      port: 8080,
      load_balance_token: 'web/01JABC',
      drop: false,
    })
    expect(list[3]).toEqual({
      ip_address: Buffer.from('20010db8000000000000000000000001', 'hex'),
      port: 443,
      load_balance_token: 'web/[2001:db8::1]:443',
      drop: false,
    })
    const hashed = list.slice(1, 3).map(({ load_balance_token }) => load_balance_token!)
    expect(new Set(hashed).size).toBe(2)
    for (const token of hashed) expect(token).toMatch(/^[!-~]{1,49}$/)
  })

  it('drops what the service config asks for', () => {
    const grpclb = { dropPercent: 25, childPolicy: [{ round_robin: {} }] }
    const list = serverList(serviceView('web', weighted, { serviceConfig: config({ grpclb }) }), undefined)
    expect(list.map(({ drop }) => drop === true)).toEqual([false, false, false, true])
    expect(list[3]).toMatchObject({ load_balance_token: 'drop', drop: true })
  })

  it('goes by weight around drops', () => {
    const view = serviceView('web', weighted, { serviceConfig: config({ grpclb: { dropPercent: 25 } }) })
    const list = serverList(view, undefined)
    const shares = [1, 2, 3].map((last) => list.filter(({ drop, ip_address }) => !drop && ip_address!.at(-1) === last))
    expect(shares.map(({ length }) => length)).toEqual([1, 2, 6])
    expect(list.filter(({ drop }) => drop)).toHaveLength(3)
  })

  it('stays small, whatever the weights', () => {
    const primes = [997, 991, 983, 977, 971]
    const view = serviceView(
      'web',
      primes.map((weight, i) => served(`10.0.0.${i + 1}:80`, { weight })),
    )
    expect(serverList(view, undefined).length).toBeLessThanOrEqual(256)
    const many = Array.from({ length: 10_000 }, (_, i) =>
      served(`10.1.${i >> 8}.${i & 255}:80`, { weight: 1 + (i % 1000) }),
    )
    expect(serverList(serviceView('web', many), undefined).length).toBeLessThanOrEqual(16_384)
  })

  it('is empty where nobody takes calls', () => {
    const view = serviceView('web', [served('10.0.0.1:80', { state: 'draining' })], {
      serviceConfig: config({ grpclb: { dropPercent: 100 } }),
    })
    expect(serverList(view, undefined)).toEqual([])
  })
})

describe('addresses in network order', () => {
  it('are four bytes or sixteen', () => {
    expect(ipBytes('192.0.2.255')).toEqual(Buffer.from([192, 0, 2, 255]))
    expect(ipBytes('::1').toString('hex')).toBe('00000000000000000000000000000001')
    expect(ipBytes('fe80::1:2').toString('hex')).toBe('fe800000000000000000000000010002')
    expect(ipBytes('1:2:3:4:5:6:7:8').toString('hex')).toBe('00010002000300040005000600070008')
    expect(ipBytes('1::').toString('hex')).toBe('00010000000000000000000000000000')
    expect(ipBytes('::ffff:192.0.2.1').toString('hex')).toBe('00000000000000000000ffffc0000201')
  })
})
