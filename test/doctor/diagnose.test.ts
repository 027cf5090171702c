import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diagnose } from '../../src/core/doctor/diagnose.js'
import { FairleadError } from '../../src/core/errors.js'
import type { Entry, LeaseInfo, MemberStatus, Store } from '../../src/core/registry/store.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { freePort } from '../support/real-etcd.js'
import { storeEntry } from '../support/store-entry.js'

const HEALTHY: MemberStatus = {
  endpoint: 'a:2379',
  latencyMs: 1,
  version: '3.5.9',
  clusterId: '1',
  dbSizeBytes: 1,
  problems: [],
}

let server: Server
let open: string
let closed: string
beforeAll(async () => {
  server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  open = `127.0.0.1:${(server.address() as { port: number }).port}`
  closed = `127.0.0.1:${await freePort()}`
})
afterAll(() => void server.close())

interface World {
  readonly members?: readonly MemberStatus[]
  readonly entries?: readonly Entry[]
  readonly leases?: ReadonlyMap<bigint, LeaseInfo>
  readonly service?: string
}

function examine({ members = [HEALTHY], entries = [], leases = new Map(), service }: World) {
  const store: Pick<Store, 'members' | 'list' | 'leaseInfo'> = {
    members: () => Promise.resolve(members),
    list: () => Promise.resolve({ entries, revision: 9n, clusterId: '1' }),
    leaseInfo: (id) => Promise.resolve(leases.get(id)),
  }
  return diagnose(store, { prefix: '/ns', service, signal: new AbortController().signal }, systemRuntime)
}

const lease = 7n
const alive = new Map([[lease, { id: lease, ttlSeconds: 10, remainingSeconds: 8 }]])
const web = (address: string, value = '') => storeEntry(`/ns/web/${address}`, value, { lease })

describe('the doctor', () => {
  it('finds nothing wrong with a healthy service', async () => {
    expect(await examine({ entries: [web(open)], leases: alive })).toMatchObject({
      services: 1,
      endpoints: 1,
      findings: [],
    })
  })

  it('fails where no member answers, with the reason', async () => {
    const error = new FairleadError('UNAUTHENTICATED', 'wrong password')
    await expect(examine({ members: [{ endpoint: 'a:1', problems: [], error }] })).rejects.toBe(error)
    const dead = examine({ members: [{ endpoint: 'a:1', problems: [], error: new Error('refused') }] })
    await expect(dead).rejects.toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  })

  it.each<[string, MemberStatus, string, RegExp]>([
    [
      'a dead member',
      { endpoint: 'b:2379', problems: [], error: new Error('refused') },
      'warning',
      /does not answer: refused/,
    ],
    ['an alarm', { ...HEALTHY, problems: ['out of space: takes no writes'] }, 'error', /out of space/],
    ['a slow member', { ...HEALTHY, latencyMs: 900 }, 'warning', /900 ms/],
    ['an old version', { ...HEALTHY, version: '3.3.25' }, 'warning', /3\.3\.25/],
    ['a large database', { ...HEALTHY, dbSizeBytes: 1.9 * 1024 ** 3 }, 'warning', /1\.9 GiB/],
    ['another cluster', { ...HEALTHY, clusterId: '2' }, 'error', /2 different clusters/],
  ])('tells of %s', async (_, member, severity, what) => {
    const { findings } = await examine({ members: [HEALTHY, member], entries: [web(open)], leases: alive })
    expect(findings).toEqual([
      expect.objectContaining({
        severity,
        what: expect.stringMatching(what) as string,
        fix: expect.stringMatching(/.../) as string,
      }),
    ])
  })

  it.each<[string, () => Entry[], string, RegExp]>([
    ['a record that cannot be read', () => [web(open), web('x', '{"Addr":')], 'error', /unreadable/],
    ['two keys with one address', () => [web(open), web('twin', open)], 'warning', /repeats/],
    ['a port that does not answer', () => [web(open), web(closed)], 'error', /ECONNREFUSED/],
    ['a permanent record', () => [storeEntry(`/ns/web/${open}`, '')], 'info', /no lease/],
    ['a key of its own kind', () => [web(open), storeEntry('/ns/.other/x', 'y')], 'warning', /no reader/],
    ['a config that is not JSON', () => [web(open), storeEntry('/ns/.config/web', '{')], 'error', /not JSON/],
    [
      'a policy nobody knows',
      () => [web(open), storeEntry('/ns/.config/web', '{"loadBalancingConfig":[{"fastest":{}}]}')],
      'error',
      /fastest/,
    ],
    ['a config without a service', () => [storeEntry('/ns/.config/web', '{}')], 'info', /no endpoints/],
    [
      'a service that is all drained',
      () => [web(open, `{"Addr":"${open}","Metadata":{"state":"drain"}}`)],
      'error',
      /none of 1/,
    ],
    ['weights of 0 only', () => [web(open, `{"Addr":"${open}","Metadata":{"weight":0}}`)], 'warning', /weight 0/],
  ])('tells of %s', async (_, entries, severity, what) => {
    const { findings } = await examine({ entries: entries(), leases: alive })
    expect(findings).toEqual([expect.objectContaining({ severity, what: expect.stringMatching(what) as string })])
  })

  it('tells of a lease that nobody renews', async () => {
    const leases = new Map([[lease, { id: lease, ttlSeconds: 10, remainingSeconds: 2 }]])
    const { findings } = await examine({ entries: [web(open)], leases })
    expect(findings).toEqual([
      expect.objectContaining({ severity: 'warning', what: expect.stringMatching(/2 s of 10 s/) as string }),
    ])
  })

  it('looks at one service alone, and tells where it does not exist', async () => {
    const entries = [web(open), storeEntry('/ns/other/x', 'not an address'), storeEntry('/ns/.odd/x', '')]
    expect((await examine({ entries, leases: alive, service: 'web' })).findings).toEqual([])
    const { findings } = await examine({ entries, leases: alive, service: 'wbe' })
    expect(findings).toMatchObject([{ severity: 'error', subject: 'wbe' }])
  })

  it('names the worst first', async () => {
    const { findings } = await examine({
      entries: [storeEntry(`/ns/web/${open}`, ''), web('x', '{'), web('twin', open)],
      leases: alive,
    })
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning'])
  })
})
