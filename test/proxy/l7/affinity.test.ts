import { afterEach, describe, expect, it } from 'vitest'
import { createBalancer } from '../../../src/core/balancer/balancer.js'
import { parseListen } from '../../../src/core/proxy/listen.js'
import type { ProxyOptions } from '../../../src/core/proxy/options.js'
import { startProxy } from '../../../src/core/proxy/proxy.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { cleanUp, cleanup, HandResolver, startTestProxy, type TestProxyOptions, until } from '../support.js'
import type { Endpoint } from '../../../src/core/model/endpoint.js'
import { ask1, ask2, dial2, startHttp1, startHttp2, type Question } from './servers.js'

afterEach(cleanUp)

const HTTP = { listen: 'http://127.0.0.1:0' }

async function startNamed(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, (_, i) => startHttp1((_request, response) => response.end(`${i}`)))
  return (await Promise.all(servers)).map(({ address }) => address)
}

/** Which endpoints answer so many of these requests. */
async function answering(port: number, question: Question, times = 6): Promise<Set<string>> {
  const names = new Set<string>()
  for (let i = 0; i < times; i++) names.add((await ask1(port, question)).body)
  return names
}

describe('hashing', () => {
  const cases: [string, TestProxyOptions['hashOn'], (i: number) => Question][] = [
    ['a header', { kind: 'header', name: 'X-User' }, (i) => ({ headers: { 'x-user': `u${i}` } })],
    ['a cookie', { kind: 'cookie', name: 'user' }, (i) => ({ headers: { cookie: `a=b; user=u${i}; c=d` } })],
    ['a query parameter', { kind: 'query', name: 'user' }, (i) => ({ path: `/x?a=b&user=u${i}` })],
    ['the path', { kind: 'path' }, (i) => ({ path: `/u${i}?n=${Math.random()}` })],
  ]
  it.each(cases)('on %s keeps what has it in common together', async (_what, hashOn, question) => {
    const target = (await startNamed(4)).join(',')
    const { port } = await startTestProxy(target, { ...HTTP, policy: 'ring_hash', ...(hashOn && { hashOn }) })
    const all = new Set<string>()
    for (let i = 0; i < 12; i++) {
      const names = await answering(port, question(i), 3)
      expect(names.size).toBe(1)
      for (const name of names) all.add(name)
    }
    expect(all.size).toBeGreaterThan(1)
  })

  it('on the address goes by the last untrusted one of those that a trusted client names', async () => {
    const target = (await startNamed(4)).join(',')
    const options = { ...HTTP, policy: 'ring_hash', trust: ['127.0.0.0/8', '10.0.0.0/8'] }
    const { port } = await startTestProxy(target, options)
    const all = new Set<string>()
    for (let i = 0; i < 12; i++) {
      const own = `192.0.2.${i}`
      const lists = [own, `6.6.6.6, ${own}`, `7.7.7.7, ${own}, 10.0.0.1`, `${own},127.0.0.2`]
      const names = await Promise.all(
        lists.map((list) => ask1(port, { headers: { 'x-forwarded-for': list } }).then(({ body }) => body)),
      )
      expect(new Set(names).size).toBe(1)
      all.add(names[0]!)
    }
    expect(all.size).toBeGreaterThan(1)
    const { port: wary } = await startTestProxy(target, { ...HTTP, policy: 'ring_hash' })
    const names = new Set<string>()
    for (let i = 0; i < 12; i++) {
      names.add((await ask1(wary, { headers: { 'x-forwarded-for': `192.0.2.${i}` } })).body)
    }
    expect(names.size).toBe(1)
  })
})

describe('hashing as a service config says', () => {
  it('goes by the header it names, unless told otherwise', async () => {
    const resolver = new HandResolver()
    const ring = { ring_hash_experimental: { requestHashHeader: 'X-Session' } }
    resolver.set((await startNamed(4)).join(','), 'web', { loadBalancingConfig: [ring] })
    const start = async (options: Partial<ProxyOptions>) => {
      const dependencies = { resolver, createBalancer: () => createBalancer({}, systemRuntime) }
      const listeners = [parseListen('http://127.0.0.1:0=web')]
      const proxy = await startProxy({ listeners, ...options }, dependencies, systemRuntime)
      cleanup(() => proxy.close())
      return Number(proxy.listening[0]!.split(':').at(-1))
    }
    const session = (i: number) => ({ headers: { 'x-session': `s${i}` } })
    const port = await start({})
    const all = new Set<string>()
    for (let i = 0; i < 12; i++) {
      const names = await answering(port, session(i), 3)
      expect(names.size).toBe(1)
      for (const name of names) all.add(name)
    }
    expect(all.size).toBeGreaterThan(1)
    const other = await start({ hashOn: { kind: 'source_ip' } })
    const one = new Set<string>()
    for (let i = 0; i < 12; i++) for (const name of await answering(other, session(i), 1)) one.add(name)
    expect(one.size).toBe(1)
  })
})

describe('the sticky cookie', () => {
  const endpoint = (address: string, id: string): Endpoint => {
    const [host, port] = address.split(':') as [string, string]
    return { id, address, host, port: Number(port), weight: 1, state: 'ready', role: 'server', meta: {} }
  }
  const cookieOf = (headers: Readonly<Record<string, string | string[] | undefined>>) =>
    (headers['set-cookie'] as string[] | undefined)?.[0]

  it('keeps a client with its endpoint while others come and go', async () => {
    const addresses = await startNamed(4)
    const resolver = new HandResolver()
    const members = addresses.map((address, i) => endpoint(address, `id-${i}`))
    resolver.set(members.slice(0, 3))
    const { port, events } = await startTestProxy('web', { ...HTTP, resolver, stickyCookie: 'lb' })
    const first = await ask1(port)
    const field = cookieOf(first.headers)!
    expect(field).toMatch(/^lb=[\w-]{16}; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(field).not.toContain(addresses[Number(first.body)]!.split(':')[1])
    const headers = { cookie: `a=b; ${field.split(';')[0]}` }
    expect(await answering(port, { headers })).toEqual(new Set([first.body]))
    expect((await answering(port, {})).size).toBe(3)
    expect(cookieOf((await ask1(port, { headers })).headers)).toBeUndefined()

    resolver.set(members.filter((_, i) => i === 3 || String(i) === first.body))
    await until(() => events.filter(({ event }) => event === 'endpoints').length === 1, 'members changed')
    expect(await answering(port, { headers })).toEqual(new Set([first.body]))

    resolver.set(members.filter((_, i) => String(i) !== first.body))
    await until(() => events.filter(({ event }) => event === 'endpoints').length === 2, 'its endpoint left')
    const moved = await ask1(port, { headers })
    expect(moved.body).not.toBe(first.body)
    expect(cookieOf(moved.headers)).not.toBe(field)
    expect(await answering(port, { headers: { cookie: cookieOf(moved.headers)!.split(';')[0] } })).toEqual(
      new Set([moved.body]),
    )
  })

  it.each([{}, { stickyKey: 'a' }])(
    'means the same to proxies that share a key (%j), and nothing to others',
    async (key) => {
      const target = (await startNamed(8)).join(',')
      const sticky = (shared: { stickyKey?: string }) =>
        startTestProxy(target, { ...HTTP, stickyCookie: 'lb', ...shared })
      const [one, two, other] = await Promise.all([sticky(key), sticky(key), sticky({ stickyKey: 'b' })])
      const answer = await ask1(one.port)
      const headers = { cookie: cookieOf(answer.headers)!.split(';')[0] }
      expect(await answering(two.port, { headers })).toEqual(new Set([answer.body]))
      expect(cookieOf((await ask1(other.port, { headers })).headers)).toBeDefined()
    },
  )

  it('is not for calls', async () => {
    const server = await startHttp2((stream) => stream.respond({ ':status': 200 }, { endStream: true }))
    const { port } = await startTestProxy(server.address, { ...HTTP, stickyCookie: 'lb' })
    const session = dial2(port)
    expect(cookieOf((await ask2(session)).headers)).toBeDefined()
    const headers = { 'content-type': 'application/grpc' }
    expect(cookieOf((await ask2(session, { method: 'POST', headers, body: '' })).headers)).toBeUndefined()
  })
})
