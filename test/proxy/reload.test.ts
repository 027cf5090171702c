import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { choosePolicy } from '../../src/core/balancer/service-config.js'
import { parseListen } from '../../src/core/proxy/listen.js'
import type { ProxyOptions } from '../../src/core/proxy/options.js'
import { freePort } from '../support/real-etcd.js'
import {
  cleanUp,
  cleanup,
  dial,
  ending,
  readSome,
  startEcho,
  startNamed,
  startTestProxy,
  type TestProxyOptions,
  until,
} from './support.js'

afterEach(cleanUp)

async function startReloadable(target: string, options: TestProxyOptions = {}) {
  const port = await freePort()
  const started = await startTestProxy(target, { ...options, listen: `tcp://127.0.0.1:${port}` })
  const reload = (listeners: string[], rest: Omit<ProxyOptions, 'listeners'> = {}, drainTimeoutMs = 10_000) =>
    started.proxy.reload({ listeners: listeners.map(parseListen), ...rest }, drainTimeoutMs)
  return { ...started, listen: `tcp://127.0.0.1:${port}`, reload }
}

/** Whether a connection made through the proxy still carries bytes. */
async function echoes(client: Awaited<ReturnType<typeof dial>>): Promise<boolean> {
  client.write('ping')
  return (await readSome(client)) === 'ping'
}

describe('reload', () => {
  it('keeps connections through a change of every setting, which counts for new ones', async () => {
    const echo = await startEcho()
    const { listen, port, reload, proxy } = await startReloadable(echo.address)
    const client = await dial(port)
    expect(await echoes(client)).toBe(true)
    await reload([`${listen}=${echo.address}`], { allow: ['10.0.0.0/8'], retries: 0, idleTimeoutMs: 5000 })
    expect(await echoes(client)).toBe(true)
    const denied = await dial(port).then(ending, (error: NodeJS.ErrnoException) => error.code)
    expect(denied).toBe('ECONNRESET')
    await reload([`${listen}=${echo.address}`])
    expect(await echoes(await dial(port))).toBe(true)
    expect(await echoes(client)).toBe(true)
    expect(proxy.stats()[0]!.connections).toMatchObject({ total: 3, active: 2, denied: 1 })
  })

  it('changes the policy without forgetting what is in flight', async () => {
    const servers = [await startNamed('a'), await startNamed('b')]
    const target = servers.map(({ address }) => address).join(',')
    const { listen, port, reload, events } = await startReloadable(target)
    const first = await readSome(await dial(port))
    await reload([`${listen}=${target}`], { policy: choosePolicy('least_connections') })
    expect(events.at(-1)).toMatchObject({ event: 'endpoints', policy: 'least_connections' })
    expect(await readSome(await dial(port))).not.toBe(first)
    await reload([`${listen}=${target}`], { policy: choosePolicy('least_connections') })
    expect(events.filter(({ event }) => event === 'endpoints')).toHaveLength(1)
  })

  it('adds listeners, and lets those that are removed finish', async () => {
    const echo = await startEcho()
    const named = await startNamed('new')
    const { port, reload, proxy, events } = await startReloadable(echo.address)
    const client = await dial(port)
    expect(await echoes(client)).toBe(true)
    await reload([`tcp://127.0.0.1:0=${named.address}`])
    expect(proxy.listening).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({ event: 'listening', listen: proxy.listening[0], service: named.address })
    expect(await readSome(await dial(proxy.listening[0]!))).toBe('new\n')
    await expect(dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await echoes(client)).toBe(true)
    client.end()
    expect(await ending(client)).toBe('end')
  })

  it('breaks off what a removed listener still has after the drain time', async () => {
    const echo = await startEcho()
    const { port, reload } = await startReloadable(echo.address)
    const client = await dial(port)
    expect(await echoes(client)).toBe(true)
    await reload([`tcp://127.0.0.1:0=${echo.address}`], {}, 50)
    expect(await ending(client)).toBe('ECONNRESET')
  })

  it('counts connections of removed listeners when it drains', async () => {
    const echo = await startEcho()
    const { port, reload, proxy } = await startReloadable(echo.address)
    const client = await dial(port)
    expect(await echoes(client)).toBe(true)
    await reload([`tcp://127.0.0.1:0=${echo.address}`])
    const drained = proxy.drain(10_000)
    expect(await echoes(client)).toBe(true)
    client.end()
    expect(await drained).toBe(0)
  })

  it('passes an address on to another target without refusing one connection', async () => {
    const servers = [await startNamed('a'), await startNamed('b')]
    const { listen, port, reload } = await startReloadable(servers[0]!.address)
    const answers: string[] = []
    let stop = false
    const client = async () => {
      while (!stop) {
        const socket = await dial(port)
        answers.push(await readSome(socket))
        socket.destroy()
      }
    }
    const clients = Array.from({ length: 8 }, client)
    for (let round = 0; round < 10; round++) {
      const seen = answers.length
      await until(() => answers.length > seen + 20, 'some connections are served')
      await reload([`${listen}=${servers[(round + 1) % 2]!.address}`])
    }
    stop = true
    await Promise.all(clients)
    expect(new Set(answers)).toEqual(new Set(['a\n', 'b\n']))
  })

  it.each<[string, ProxyOptions | ((taken: number) => ProxyOptions), string]>([
    ['nothing to listen on', { listeners: [] }, 'INVALID_ARGUMENT'],
    ['a bad option', { listeners: [parseListen('tcp://:0=127.0.0.1:1')], retries: -1 }, 'INVALID_ARGUMENT'],
    [
      'a port in use',
      (taken) => ({
        listeners: [parseListen('tcp://:0=127.0.0.1:1'), parseListen(`tcp://:${taken}=127.0.0.1:1`)],
        allow: ['10.0.0.0/8'],
      }),
      'ADDRESS_IN_USE',
    ],
  ])('leaves everything as it was at %s', async (_, bad, code) => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanup(() => server.close())
    const { port: taken } = server.address() as { port: number }
    const echo = await startEcho()
    const { port, proxy } = await startReloadable(echo.address)
    const listening = [...proxy.listening]
    const options = typeof bad === 'function' ? bad(taken) : bad
    await expect(proxy.reload(options, 1000)).rejects.toMatchObject({ code })
    expect(proxy.listening).toEqual(listening)
    expect(await echoes(await dial(port))).toBe(true)
  })

  it('makes reloads one after the other, and none once it is coming to its end', async () => {
    const echo = await startEcho()
    const { listen, reload, proxy } = await startReloadable(echo.address)
    await Promise.all([
      reload([`tcp://127.0.0.1:0=${echo.address}`]),
      expect(reload([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' }),
      reload([`${listen}=${echo.address}`]),
    ])
    expect(proxy.listening).toEqual([listen])
    const late = reload([`tcp://127.0.0.1:0=${echo.address}`])
    await proxy.drain(1000)
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(dial(listen)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
