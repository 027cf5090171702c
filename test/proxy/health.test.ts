import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { parseCheck } from '../../src/core/health/check.js'
import type { ProxyEvent } from '../../src/core/proxy/events.js'
import { parseListen } from '../../src/core/proxy/listen.js'
import { proxyEventText } from '../../src/core/proxy/event-text.js'
import { makeCertificates } from '../support/certificates.js'
import { freePort } from '../support/real-etcd.js'
import { cleanup, cleanUp, HandResolver, readAll, startServer, startTestProxy, until } from './support.js'
import { startTlsServer } from './tls/support.js'

afterEach(cleanUp)

const QUICK = { interval: '0.2s', baseEjectionTime: '0.5s', maxEjectionTime: '1s' }
const outlierDetection = (fields: object) => ({
  loadBalancingConfig: [{ outlier_detection_experimental: { ...fields, childPolicy: [{ round_robin: {} }] } }],
})

/** What became of an endpoint, event by event. */
const healthOf = (events: readonly ProxyEvent[], address: string) =>
  events.flatMap((event) => (event.event === 'health' && event.address === address ? [event.health] : []))

/** A server that says its name and closes, on this port. */
async function startGreeter(name: string, port = 0) {
  const server = createServer((socket) => socket.on('error', () => {}).end(name))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = () => new Promise((resolve) => server.close(resolve))
  cleanup(close)
  const bound = server.address() as { port: number }
  return { address: `127.0.0.1:${bound.port}`, port: bound.port, close }
}

/** Who answers a connection; `nobody` if it is reset. */
async function ask(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  return readAll(socket).then(String, () => 'nobody')
}

async function askTimes(port: number, times: number): Promise<string[]> {
  const answers: string[] = []
  for (let i = 0; i < times; i++) answers.push(await ask(port))
  return answers
}

describe('an endpoint that refuses connections', () => {
  it('is ejected after five, and gets its share again once it is back', async () => {
    const resolver = new HandResolver()
    const one = await startGreeter('one')
    const port = await freePort()
    const address = `127.0.0.1:${port}`
    resolver.set(`${one.address},${address}`, 'web', outlierDetection(QUICK))
    const { port: front, events, proxy } = await startTestProxy('web', { resolver })
    await until(() => proxy.stats()[0]!.endpoints.length === 2, 'the endpoints are known')

    expect(new Set(await askTimes(front, 20))).toEqual(new Set(['one']))
    await until(() => {
      void ask(front)
      return healthOf(events, address)[0] === 'ejected'
    }, 'it is ejected')
    const event = events.find((each) => each.event === 'health')!
    expect(proxyEventText(event)).toBe(`ejected ${address} for tcp://127.0.0.1:${front} -> web: 5 failures in a row`)

    const two = await startGreeter('two', port)
    await until(() => healthOf(events, address).at(-1) === 'healthy', 'it is back')
    await until(() => proxy.stats()[0]!.endpoints[1]!.total === 0, 'nothing was sent to it while it was out')
    const answers = new Set<string>()
    while (!answers.has('two')) answers.add(await ask(front))
    expect(answers).toContain('two')
    await two.close()
  })

  it('stays in use where nobody watches', async () => {
    const one = await startGreeter('one')
    const port = await freePort()
    const {
      port: front,
      events,
      proxy,
    } = await startTestProxy(`${one.address},127.0.0.1:${port}`, {
      outlierDetection: false,
    })
    await askTimes(front, 20)
    expect(events.some(({ event }) => event === 'health')).toBe(false)
    expect(proxy.stats()[0]!.connectFailures).toBeGreaterThan(8)
  })

  it('is found out by checks before any client is', async () => {
    const one = await startGreeter('one')
    const port = await freePort()
    const address = `127.0.0.1:${port}`
    const {
      port: front,
      events,
      proxy,
    } = await startTestProxy(`${one.address},${address}`, {
      healthCheck: parseCheck('tcp'),
      healthIntervalMs: 50,
    })
    await until(() => healthOf(events, address)[0] === 'unhealthy', 'the check has failed')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(new Set(await askTimes(front, 10))).toEqual(new Set(['one']))
    expect(proxy.stats()[0]!.connectFailures).toBe(0)
    await startGreeter('two', port)
    await until(() => healthOf(events, address).at(-1) === 'healthy', 'the check passes')
    const answers = new Set<string>()
    while (!answers.has('two')) answers.add(await ask(front))
  })
})

it('goes on with every endpoint when all fail their checks, and says so', async () => {
  const servers = await Promise.all(
    ['a', 'b'].map((name) =>
      startServer((socket) => {
        socket.once('data', (data) => {
          if (data.toString().startsWith('GET')) socket.end('HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n')
          else socket.end(name)
        })
      }),
    ),
  )
  const { port, events, proxy } = await startTestProxy(servers.map(({ address }) => address).join(','), {
    healthCheck: parseCheck('http:/healthz'),
    healthIntervalMs: 50,
  })
  await until(() => events.some((event) => event.event === 'panic' && event.panic), 'panic')
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.write('hello')
      return readAll(socket).then(String)
    }),
  )
  expect(answers.sort().join('')).toBe('aaaaabbbbb')
  const [stats] = proxy.stats()
  expect(stats!.panic).toBe(true)
  expect(stats!.endpoints.map(({ health }) => health)).toEqual(['unhealthy', 'unhealthy'])
  expect(events.flatMap((event) => (event.event === 'health' ? [event.reason] : []))).toEqual(
    Array(2).fill('GET /healthz answered 503'),
  )
})

it('ejects nobody for what fails around a stall of this process', async () => {
  const one = await startGreeter('one')
  const dead = `127.0.0.1:${await freePort()}`
  const { port, events, proxy } = await startTestProxy(`${one.address},${dead}`)
  const failures = () => proxy.stats()[0]!.connectFailures
  // Let it be seen that time passes as it should.
  await new Promise((resolve) => setTimeout(resolve, 300))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000)
  await Promise.all(Array.from({ length: 20 }, () => ask(port)))
  expect(failures()).toBeGreaterThanOrEqual(10)
  expect(healthOf(events, dead)).toEqual([])
  await until(() => {
    void ask(port)
    return healthOf(events, dead).length > 0
  }, 'it is ejected for what fails afterwards')
})

it('checks endpoints over TLS where they are spoken to so', async () => {
  const certificates = await makeCertificates()
  cleanup(() => certificates.remove())
  const server = await startTlsServer({ ...certificates.server }, (socket) => socket.end('secret'))
  const { cert, key } = certificates.misnamed
  const stranger = await startTlsServer({ cert, key }, (socket) => socket.end('?'))
  const { events } = await startTestProxy(`${server.address},${stranger.address}`, {
    upstreamTls: { caFile: certificates.files.ca },
    healthCheck: parseCheck('tcp'),
    healthIntervalMs: 50,
  })
  await until(() => healthOf(events, stranger.address)[0] === 'unhealthy', 'the certificate is found wrong')
  await until(() => server.clients.length > 2, 'the other one was checked')
  expect(healthOf(events, server.address)).toEqual([])
})

it('begins to check when its configuration says so, and forgets when it no longer does', async () => {
  const one = await startGreeter('one')
  const dead = `127.0.0.1:${await freePort()}`
  const { events, proxy } = await startTestProxy(`${one.address},${dead}`, { outlierDetection: false })
  const listeners = [parseListen(`tcp://127.0.0.1:0=${one.address},${dead}`)]
  await proxy.reload({ listeners, outlierDetection: false, healthCheck: parseCheck('tcp'), healthIntervalMs: 50 }, 1000)
  await until(() => healthOf(events, dead)[0] === 'unhealthy', 'the check has failed')
  await proxy.reload({ listeners, outlierDetection: false }, 1000)
  expect(healthOf(events, dead)).toEqual(['unhealthy', 'healthy'])
})

it('checks no address that nothing may be relayed to', async () => {
  const one = await startGreeter('one')
  const { events } = await startTestProxy(`${one.address},169.254.169.254:80`, {
    healthCheck: parseCheck('http:/latest/meta-data'),
    healthIntervalMs: 50,
  })
  await until(() => healthOf(events, '169.254.169.254:80')[0] === 'unhealthy', 'it is refused')
  const event = events.find((each) => each.event === 'health' && each.address === '169.254.169.254:80')
  expect(event).toMatchObject({ reason: 'a link-local address' })
})
