import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diagnose } from '../../src/core/doctor/diagnose.js'
import { FairleadError } from '../../src/core/errors.js'
import type { Entry, LeaseInfo, MemberStatus, Store, Transaction } from '../../src/core/registry/store.js'
import { type Clock, systemClock, systemRuntime } from '../../src/core/runtime.js'
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
  /** Keys, or beginnings of keys, that the user may not read. */
  readonly unreadable?: readonly string[]
  /** What becomes of a transaction on a key; nothing: it is let through. */
  readonly write?: (key: string) => FairleadError | undefined
  /** Milliseconds that each request takes. */
  readonly requestMs?: number
}

const denied = () => new FairleadError('PERMISSION_DENIED', 'no')
/** Everything that was to be written, had the conditions come true. */
let written: Transaction[] = []

function examine(world: World) {
  const { members = [HEALTHY], entries = [], leases = new Map(), service, unreadable = [], requestMs = 1 } = world
  let now = 0
  const header = { revision: 9n, clusterId: '1' }
  const read = (prefix: string) => {
    now += requestMs
    if (unreadable.includes(prefix)) throw denied()
    return entries.filter(({ key }) => key.startsWith(prefix))
  }
  written = []
  const store: Pick<Store, 'members' | 'list' | 'get' | 'txn' | 'leaseInfo'> = {
    members: () => Promise.resolve(members),
    list: async (prefix) => ({ ...header, entries: read(prefix) }),
    get: async (key) => ({ ...header, entry: read(key).find((entry) => entry.key === key) }),
    txn: async (transaction) => {
      now += requestMs
      written.push(transaction)
      const error = world.write?.((transaction.then[0] as { key: string }).key)
      if (error) throw error
      return { ...header, succeeded: false, results: [] }
    },
    leaseInfo: (id) => Promise.resolve(leases.get(id)),
  }
  const clock: Clock = { ...systemClock, now: () => now }
  const runtime = { ...systemRuntime, clock }
  return diagnose(store, { prefix: '/ns', service, signal: new AbortController().signal }, runtime)
}

const lease = 7n
const alive = new Map([[lease, { id: lease, ttlSeconds: 10, remainingSeconds: 8, term: 1n }]])
const web = (address: string, value = '') => storeEntry(`/ns/web/${address}`, value, { lease })

describe('the doctor', () => {
  it('finds nothing wrong with a healthy service', async () => {
    expect(await examine({ entries: [web(open)], leases: alive })).toMatchObject({
      services: ['web'],
      endpoints: 1,
      permitted: { read: true, write: true },
      latency: { readMs: 1, writeMs: 1 },
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
    [
      'a policy that is known and calls that are not',
      () => [web(open), storeEntry('/ns/.config/web', '{"methodConfig":[{"timeout":"soon"}]}')],
      'error',
      /calls: .*timeout/,
    ],
    [
      'two endpoints of one id',
      () => [
        web(open, `{"Addr":"${open}","Metadata":{"id":"one"}}`),
        web('localhost:1', '{"Addr":"localhost:1","Metadata":{"id":"one","state":"maint"}}'),
      ],
      'warning',
      /has the id "one" of 127\.0\.0\.1:\d+ too/,
    ],
    ['weights of 0 only', () => [web(open, `{"Addr":"${open}","Metadata":{"weight":0}}`)], 'warning', /weight 0/],
  ])('tells of %s', async (_, entries, severity, what) => {
    const { findings } = await examine({ entries: entries(), leases: alive })
    expect(findings).toEqual([expect.objectContaining({ severity, what: expect.stringMatching(what) as string })])
  })

  it('tells of a lease that nobody renews', async () => {
    const leases = new Map([[lease, { id: lease, ttlSeconds: 10, remainingSeconds: 2, term: 1n }]])
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

  it('never has a chance to write', async () => {
    await examine({ entries: [web(open)], leases: alive })
    expect(written).toMatchObject([{ when: [{ target: 'version', is: '<', value: 0n }] }])
    expect(written[0]!.otherwise).toBeUndefined()
  })

  it('tells what the user may not write, for all services together', async () => {
    const entries = [web(open), storeEntry('/ns/api/x', '{"Addr":"', { lease }), storeEntry('/ns/db/x', '{', { lease })]
    const write = (key: string) => (key.startsWith('/ns/web/') ? undefined : denied())
    const some = await examine({ entries, leases: alive, write })
    expect(some.permitted.write).toBe(false)
    expect(some.findings.filter(({ check }) => check === 'write')).toMatchObject([
      { severity: 'info', what: expect.stringContaining('write api, db:') as string },
    ])
    const none = await examine({ entries, leases: alive, write: denied })
    expect(none.findings.filter(({ check }) => check === 'write')).toMatchObject([
      { subject: '/ns/', what: expect.stringContaining('any service') as string },
    ])
    expect((await examine({ write: denied })).permitted.write).toBe(false)
  })

  it('tells of a registry that takes no writes', async () => {
    const error = new FairleadError('REFUSED', 'database space exceeded', { hint: 'compact it' })
    const { findings, permitted } = await examine({ entries: [web(open)], leases: alive, write: () => error })
    expect(permitted.write).toBeUndefined()
    expect(findings).toMatchObject([
      { severity: 'error', check: 'write', what: 'takes no writes: database space exceeded', fix: 'compact it' },
    ])
  })

  it('tells what the user may not read, and of the rest', async () => {
    const nothing = await examine({ unreadable: ['/ns/'] })
    expect(nothing.permitted).toEqual({ read: false, write: undefined })
    expect(nothing.findings).toMatchObject([
      { severity: 'error', check: 'read', subject: '/ns/', fix: expect.stringContaining('grant-permission') as string },
    ])
    const unreadable = ['/ns/.config/web', '/ns/.gone/web/']
    const some = await examine({ entries: [web(closed)], leases: alive, service: 'web', unreadable })
    expect(some.permitted.read).toBe(true)
    expect(some.findings.map(({ severity, subject }) => [severity, subject])).toEqual([
      ['error', closed],
      ['warning', '/ns/.config/web'],
      ['warning', '/ns/.gone/web/'],
    ])
  })

  it('tells of slow reads and writes', async () => {
    const { findings } = await examine({ entries: [web(open)], leases: alive, requestMs: 700 })
    expect(findings).toMatchObject([
      { severity: 'warning', check: 'latency', what: 'reading it took 700 ms' },
      { severity: 'warning', check: 'latency', what: expect.stringContaining('700 ms to agree on a write') as string },
    ])
  })

  it('names the worst first', async () => {
    const { findings } = await examine({
      entries: [storeEntry(`/ns/web/${open}`, ''), web('x', '{'), web('twin', open)],
      leases: alive,
    })
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning'])
  })
})
