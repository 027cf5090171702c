import { describe, expect, it } from 'vitest'
import type { Lookup } from '../../../src/core/control-plane/directory/host-names.js'
import { setUpDirectory, short } from './setup.js'

/** Answers from a table that a test may change; names that are not in it do not resolve. */
function fakeDns(table: Record<string, string[]>) {
  const asked: string[] = []
  const lookup: Lookup = (name) => {
    asked.push(name)
    const found = table[name]
    return found ? Promise.resolve(found) : Promise.reject(new Error(`getaddrinfo ENOTFOUND ${name}`))
  }
  return { lookup, asked, table }
}

describe('servers by host name', () => {
  it('are served at each of their addresses, under what is registered', async () => {
    const { lookup } = fakeDns({ 'db.test': ['10.0.0.2', '10.0.0.1'] })
    const { put, follow, pass } = setUpDirectory({ lookup })
    put('db.test:5432', { id: 'db', weight: 3, zone: 'a' })
    put('10.0.0.9:5432')
    const { views } = follow()
    await pass(20)
    expect(views).toHaveLength(1)
    expect(short(views[0]!.endpoints)).toEqual(['10.0.0.1:5432@3', '10.0.0.2:5432@3', '10.0.0.9:5432'])
    expect(views[0]!.endpoints[0]).toMatchObject({ id: 'db', address: 'db.test:5432', zone: 'a', ip: '10.0.0.1' })
  })

  it('are served once where several names, or a name and an address, lead to one', async () => {
    const { lookup } = fakeDns({ 'a.test': ['10.0.0.1'], 'b.test': ['10.0.0.1', '10.0.0.2'] })
    const { put, follow, pass } = setUpDirectory({ lookup })
    for (const address of ['a.test:80', 'b.test:80', '10.0.0.1:80', 'a.test:81']) put(address)
    const { views } = follow()
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80', '10.0.0.1:81', '10.0.0.2:80'])
    expect(views.at(-1)!.endpoints[0]!.address).toBe('10.0.0.1:80')
  })

  it('are served by IPv4 where there is any, else by IPv6', async () => {
    const { lookup } = fakeDns({ 'both.test': ['2001:db8::1', '10.0.0.1'], 'six.test': ['2001:db8::2'] })
    const { put, follow, pass } = setUpDirectory({ lookup })
    put('both.test:80')
    put('six.test:80')
    const { views } = follow()
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80', '2001:db8::2:80'])
  })

  it('are never served at addresses that must not be connected to', async () => {
    const { lookup } = fakeDns({ 'evil.test': ['169.254.169.254', '0.0.0.0', '10.0.0.1'], 'worse.test': ['fe80::1'] })
    const { put, follow, pass } = setUpDirectory({ lookup })
    put('evil.test:80')
    put('worse.test:80')
    const { views } = follow()
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80'])
  })

  it('are looked up again, and the last answer counts while that fails', async () => {
    const { lookup, asked, table } = fakeDns({ 'db.test': ['10.0.0.1'] })
    const { put, follow, pass } = setUpDirectory({ lookup })
    put('db.test:80')
    const { views } = follow()
    await pass(20)
    table['db.test'] = ['10.0.0.2']
    await pass(35_000)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.2:80'])
    delete table['db.test']
    await pass(300_000)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.2:80'])
    expect(views).toHaveLength(2)
    // At most once a second, however long it fails.
    expect(asked.length).toBeLessThan(300)
    table['db.test'] = ['10.0.0.3']
    await pass(35_000)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.3:80'])
  })

  it('hold up the first view until they are looked up, but not for long', async () => {
    let answer: ((addresses: string[]) => void) | undefined
    const lookup: Lookup = () => new Promise((resolve) => (answer = resolve))
    const { put, follow, pass } = setUpDirectory({ lookup })
    put('slow.test:80')
    put('10.0.0.1:80')
    const { views } = follow()
    await pass(1900)
    expect(views).toEqual([])
    await pass(200)
    expect(views.map(({ endpoints }) => short(endpoints))).toEqual([['10.0.0.1:80']])
    answer!(['10.0.0.2'])
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80', '10.0.0.2:80'])
  })

  it('that do not resolve are left out', async () => {
    const { lookup } = fakeDns({})
    const { put, follow, pass } = setUpDirectory({ lookup })
    put('none.test:80')
    const { views } = follow()
    await pass(20)
    expect(views.at(-1)).toMatchObject({ exists: true, endpoints: [] })
  })

  it('are looked up once for all services, and no more when nobody asks', async () => {
    const { lookup, asked } = fakeDns({ 'db.test': ['10.0.0.1'] })
    const { put, follow, pass } = setUpDirectory({ lookup, lingerMs: 1000 })
    put('db.test:80', {}, 'web')
    put('db.test:90', {}, 'admin')
    const web = follow('web')
    const admin = follow('admin')
    await pass(50)
    expect(asked).toEqual(['db.test'])
    web.end()
    await pass(2000)
    await pass(35_000)
    const still = asked.length
    expect(still).toBeGreaterThan(1)
    admin.end()
    await pass(2000)
    await pass(100_000)
    expect(asked).toHaveLength(still)
  })

  it('are not looked up more than two at once', async () => {
    let open = 0
    let most = 0
    const lookup: Lookup = async () => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setImmediate(resolve))
      open--
      return ['10.0.0.1']
    }
    const { put, follow, pass } = setUpDirectory({ lookup })
    for (let i = 0; i < 20; i++) put(`host-${i}.test:${80 + i}`)
    const { views } = follow()
    await pass(100)
    await pass(100)
    expect(views.at(-1)!.endpoints).toHaveLength(20)
    expect(most).toBe(2)
  })
})
