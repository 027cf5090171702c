import { experimental, Metadata } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { attributesOf } from '../../../src/core/grpc/attribute.js'
import { CallStats } from '../../../src/core/grpc/grpclb/call-stats.js'
import { GrpclbConfig } from '../../../src/core/grpc/grpclb/config.js'
import { ListPicker, type ReadyTurn } from '../../../src/core/grpc/grpclb/list-picker.js'
import { type ListEntry, readServerList, sameList } from '../../../src/core/grpc/grpclb/server-list.js'
import { grpclbTarget } from '../../../src/core/grpc/grpclb/target.js'
import type { Endpoint } from '../../../src/core/model/endpoint.js'

const server = (last: number, token = `t${last}`): ListEntry => ({
  drop: false,
  host: `10.0.0.${last}`,
  port: 80,
  token,
})
const drop = (token = 'drop'): ListEntry => ({ drop: true, token })

describe('a list from a balancer', () => {
  it('is read entry by entry, without those that name no address', () => {
    const list = readServerList([
      { ip_address: Buffer.from([10, 0, 0, 1]), port: 80, load_balance_token: 'a' },
      { drop: true, load_balance_token: 'd' },
      { ip_address: Buffer.from('20010db8000000000000000000000001', 'hex'), port: 443, load_balance_token: '' },
      { ip_address: Buffer.from([1, 2, 3]), port: 80 },
      { ip_address: Buffer.from([10, 0, 0, 2]), port: 0 },
      { ip_address: Buffer.from([10, 0, 0, 2]), port: 70_000 },
      { port: 80 },
    ])
    expect(list).toEqual([
      { drop: false, host: '10.0.0.1', port: 80, token: 'a' },
      { drop: true, token: 'd' },
      { drop: false, host: '2001:db8:0:0:0:0:0:1', port: 443, token: '' },
    ])
  })

  it('has no token that could not be sent', () => {
    const ip_address = Buffer.from([10, 0, 0, 1])
    const tokens = ['x'.repeat(50), 'line\nbreak', 'ümlaut', '\0']
    const list = readServerList(tokens.map((load_balance_token) => ({ ip_address, port: 80, load_balance_token })))
    expect(list!.map(({ token }) => token)).toEqual(['', '', '', ''])
  })

  it('is refused where it has no end', () => {
    expect(readServerList(Array.from({ length: 65_537 }, () => ({ drop: true })))).toBeUndefined()
  })

  it('is the same only if every entry is, in the same order', () => {
    expect(sameList([server(1), drop()], [server(1), drop()])).toBe(true)
    expect(sameList([server(1), drop()], [drop(), server(1)])).toBe(false)
    expect(sameList([server(1)], [server(1), server(1)])).toBe(false)
    expect(sameList([server(1, 'a')], [server(1, 'b')])).toBe(false)
    expect(sameList([server(1)], [server(2)])).toBe(false)
    expect(sameList([], [])).toBe(true)
  })
})

describe('picking from a list', () => {
  /** A subchannel that can only be told from others. */
  const subchannel = (name: string) => ({ name }) as unknown as experimental.SubchannelInterface
  const turn = (place: number, name: string, token = name): ReadyTurn => ({
    place,
    subchannel: subchannel(name),
    token,
  })
  const namesOf = (picker: ListPicker, picks: number) =>
    Array.from({ length: picks }, () => {
      const result = picker.pick({ metadata: new Metadata(), extraPickInfo: {} })
      if (result.pickResultType === experimental.PickResultType.DROP) return '-'
      return (result.subchannel as unknown as { name: string }).name
    }).join('')

  it('goes through the servers in the order of the list, as often as they stand there', () => {
    const list = [server(1), server(2), server(1)]
    const picker = new ListPicker(
      list,
      [turn(0, 'a'), turn(1, 'b'), turn(2, 'a')],
      { entry: 0, server: 0 },
      new CallStats(),
    )
    expect(namesOf(picker, 7)).toBe('abaabaa')
  })

  it('drops at the places of drops, and counts them by token', () => {
    const stats = new CallStats()
    const list = [server(1), drop('x'), server(2), drop('y')]
    const picker = new ListPicker(list, [turn(0, 'a'), turn(2, 'b')], { entry: 0, server: 0 }, stats)
    expect(namesOf(picker, 8)).toBe('a-b-a-b-')
    expect(stats.take(0)).toMatchObject({
      num_calls_started: 4,
      num_calls_finished: 4,
      calls_finished_with_drop: [
        { load_balance_token: 'x', num_calls: 2 },
        { load_balance_token: 'y', num_calls: 2 },
      ],
    })
  })

  it('goes on where it was when a connection comes or goes', () => {
    const turns = { entry: 0, server: 0 }
    const list = [server(1), server(2), server(3), server(4)]
    const all = [turn(0, 'a'), turn(1, 'b'), turn(2, 'c'), turn(3, 'd')]
    const stats = new CallStats()
    expect(namesOf(new ListPicker(list, all, turns, stats), 2)).toBe('ab')
    expect(namesOf(new ListPicker(list, [all[0]!, all[1]!, all[3]!], turns, stats), 2)).toBe('da')
    expect(namesOf(new ListPicker(list, all, turns, stats), 4)).toBe('bcda')
  })

  it('sends the token of the entry whose turn it is, instead of whatever the call had', () => {
    const picker = new ListPicker(
      [server(1)],
      [turn(0, 'a', 'first'), turn(1, 'a', '')],
      { entry: 0, server: 0 },
      new CallStats(),
    )
    const tokens = [0, 1].map(() => {
      const metadata = new Metadata()
      picker.pick({ metadata, extraPickInfo: {} })
      return metadata.get('lb-token')
    })
    expect(tokens).toEqual([['first'], []])
  })

  it('drops everything where the list is nothing but drops', () => {
    expect(namesOf(new ListPicker([drop()], [], { entry: 0, server: 0 }, new CallStats()), 3)).toBe('---')
  })
})

describe('the config of grpclb', () => {
  it('says how servers of a list are used: the first child policy of the two that counts', () => {
    const usesFirst = (childPolicy: unknown) => GrpclbConfig.createFromJson({ childPolicy }).usesFirst
    expect(usesFirst(undefined)).toBe(false)
    expect(usesFirst([])).toBe(false)
    expect(usesFirst([{ pick_first: {} }])).toBe(true)
    expect(usesFirst([{ round_robin: {} }, { pick_first: {} }])).toBe(false)
    expect(usesFirst([{ other: {} }, { pick_first: {} }])).toBe(true)
    expect(usesFirst([{ least_request: {} }])).toBe(false)
  })

  it('is refused where it is none', () => {
    for (const raw of [
      [],
      'x',
      { serviceName: 3 },
      { childPolicy: {} },
      { childPolicy: ['x'] },
      { childPolicy: [{ a: 1 }] },
      { childPolicy: [{}] },
      { childPolicy: [{ round_robin: {}, pick_first: {} }] },
    ]) {
      expect(() => GrpclbConfig.createFromJson(raw), JSON.stringify(raw)).toThrow()
    }
  })

  it('comes out as it went in', () => {
    const raw = { childPolicy: [{ pick_first: {} }], serviceName: 'other' }
    expect(GrpclbConfig.createFromJson(raw).toJsonObject()).toEqual({ grpclb: raw })
  })
})

describe('the balancers of a channel', () => {
  const endpoint = (rest: Partial<Endpoint>): Endpoint => ({
    ...{ id: 'x', address: 'lb:9000', host: 'lb', port: 9000, weight: 1, state: 'ready', role: 'balancer', meta: {} },
    ...rest,
  })
  const resolved = (...endpoints: Endpoint[]) =>
    attributesOf({ snapshot: { service: 'web', revision: 1n, endpoints, skipped: [] }, disprove: () => {} })

  it('are those of the resolution that are ready, asked for the service', () => {
    const attributes = resolved(endpoint({}), endpoint({ host: 'out', state: 'maint' }), endpoint({ role: 'server' }))
    expect(grpclbTarget(attributes, undefined)).toEqual({ name: 'web', balancers: [{ host: 'lb', port: 9000 }] })
    expect(grpclbTarget({ ...attributes, 'fairlead.zone': 'a' }, undefined).name).toBe('web@a')
    expect(grpclbTarget(attributes, 'other').name).toBe('other')
  })

  it('are those of the channel’s options where another resolver resolves', () => {
    const options = { 'fairlead.grpclb_balancers': '10.0.0.1:9000, [::1]:9001' }
    expect(grpclbTarget(options, 'web')).toEqual({
      name: 'web',
      balancers: [
        { host: '10.0.0.1', port: 9000 },
        { host: '::1', port: 9001 },
      ],
    })
    expect(grpclbTarget({}, 'web').balancers).toEqual([])
    expect(() => grpclbTarget({ 'fairlead.grpclb_balancers': 'nonsense' }, 'web')).toThrow('nonsense')
  })
})
