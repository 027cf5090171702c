import { createServer } from 'node:net'
import { connectivityState, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/core/fairlead.js'
import { registerFairlead } from '../../src/grpc.js'
import { startRegistry } from '../../src/testing.js'
import { eventually } from '../support/eventually.js'
import { startFaultProxy } from '../support/fault-proxy.js'
import { freePort } from '../support/real-etcd.js'
import { type Environment, startEnvironment } from './environment.js'
import { policy, startServer, TestClient, waiting } from './support.js'

let opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.reverse()) await each.close()
  opened = []
})

async function start(...args: Parameters<typeof startEnvironment>): Promise<Environment> {
  const environment = await startEnvironment(...args)
  opened.push(environment)
  return environment
}

describe('a channel of a registered service', () => {
  it('reads /ns for ns: targets, whatever their authority, and the configured prefix for fairlead:', async () => {
    const { registry, serve, client } = await start({ prefix: '/other' })
    const other = await connect({ endpoints: [registry.endpoint], prefix: '/other' })
    opened.push(other)
    const [inNs, elsewhere] = [await serve('web'), await startServer()]
    opened.push(elsewhere)
    await other.register('web', elsewhere.address)
    await client('ns:///web').calls(2)
    await client('ns://author/web').calls(1)
    await client('fairlead:///web').calls(4)
    expect([inNs.calls, elsewhere.calls]).toEqual([3, 4])
  })

  it.each(['ns:///', 'ns:/a', 'ns:///a/b', 'fairlead://author/.config', 'ns:///a:80'])(
    'cannot be made for %s',
    async (target) => {
      const { client } = await start()
      expect(() => client(target)).toThrow(`bad target "${target}"`)
    },
  )

  it('asks servers for the service by name, which is what TLS has them prove', async () => {
    const { serve, client } = await start()
    const server = await serve('web')
    let authority: string | undefined
    server.answer = (headers) => {
      authority = headers[':authority']
      return {}
    }
    await client('ns://author/web').calls(1)
    expect(authority).toBe('web')
  })

  it('takes over what comes and what goes, and connects to each endpoint once', async () => {
    const { serve, client } = await start()
    const servers = [await serve('web'), await serve('web')]
    const channel = client('ns:///web', policy('round_robin'))
    await channel.calls(10)
    servers.push(await serve('web'))
    await eventually(async () => {
      await channel.calls(3)
      return servers[2]!.calls > 0
    })
    await servers[0]!.deregister()
    await eventually(async () => {
      const before = servers[0]!.calls
      await channel.calls(3)
      return servers[0]!.calls === before
    })
    expect(servers.map(({ accepted }) => accepted)).toEqual([1, 1, 1])
  })

  it('keeps its connections over ten updates of everything there is to say', async () => {
    const { fairlead, serve, client } = await start()
    const servers = [await serve('web'), await serve('web'), await serve('web')]
    const channel = client('ns:///web', policy('weighted_round_robin'))
    await eventually(async () => {
      await channel.calls(3)
      return servers.every(({ calls }) => calls > 0)
    })
    for (let weight = 2; weight <= 11; weight++) {
      await fairlead.setEndpoint('web', servers[0]!.address, { weight })
      await fairlead.setServiceConfig('web', {
        loadBalancingConfig: [{ least_request: { choiceCount: 2 + (weight % 2) } }],
      })
      await channel.calls(5)
    }
    await fairlead.setServiceConfig('web', undefined)
    await channel.calls(5)
    expect(servers.map(({ accepted }) => accepted)).toEqual([1, 1, 1])
  })

  it('fails calls to a service without endpoints at once, says what to do, and heals', async () => {
    const { fairlead, serve, client } = await start()
    for (const name of ['pick_first', 'round_robin', 'weighted_round_robin', 'ring_hash']) {
      const { code, details } = await client('ns:///nobody', policy(name)).call()
      expect([code, details]).toEqual([
        status.UNAVAILABLE,
        'nobody has no endpoints; register one: fairlead register nobody ADDRESS',
      ])
    }
    const channel = client('ns:///web')
    expect((await channel.call()).code).toBe(status.UNAVAILABLE)
    const waits = channel.call({ metadata: waiting() })
    const server = await serve('web')
    expect((await waits).code).toBe(status.OK)
    await fairlead.setEndpoint('web', server.address, { state: 'drain' })
    const { details } = await eventually(async () => {
      const ended = await channel.call()
      return ended.code === status.UNAVAILABLE && ended
    })
    expect(details).toMatch(/no endpoint of web may take traffic: 1 draining.*fairlead set web/)
  })

  it('says whom it cannot reach and why', async () => {
    const { fairlead, client } = await start()
    const port = await freePort()
    await fairlead.register('web', `127.0.0.1:${port}`)
    const { code, details } = await client('ns:///web', policy('round_robin')).call()
    expect(code).toBe(status.UNAVAILABLE)
    expect(details).toMatch(new RegExp(`no connection to the endpoint of web: .*ECONNREFUSED 127.0.0.1:${port}`))
  })

  it('wakes from idleness', async () => {
    const { serve, client } = await start()
    const server = await serve('web')
    const channel = client('ns:///web', { 'grpc.client_idle_timeout_ms': 1000 })
    await channel.calls(1)
    const state = () => channel.getChannel().getConnectivityState(false)
    await eventually(() => state() === connectivityState.IDLE)
    await channel.calls(1)
    expect(state()).toBe(connectivityState.READY)
    expect(server.calls).toBe(2)
  })

  it('does not ask without end while nothing can be connected to', async () => {
    const { fairlead, client } = await start()
    await fairlead.register('web', `127.0.0.1:${await freePort()}`)
    const channel = client('ns:///web', { ...policy('round_robin'), 'grpc.initial_reconnect_backoff_ms': 100 })
    await channel.call()
    const before = process.cpuUsage()
    await eventually(async () => (await channel.call()).code === status.OK, 500).catch(() => undefined)
    // A loop of resolutions would take all of it.
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(400)
  })
})

describe('the service config', () => {
  it('is the registry’s as a whole, else the channel’s own', async () => {
    const { fairlead, serve, client } = await start()
    const servers = [await serve('web', { weight: 3 }), await serve('web')]
    const channel = client('ns:///web', policy('round_robin', {}, retries(14)))
    await eventually(async () => {
      await channel.calls(2)
      return servers.every(({ calls }) => calls > 0)
    })
    const share = async () => {
      const before = servers.map(({ calls }) => calls)
      await channel.calls(8)
      return servers.map(({ calls }, i) => calls - before[i]!)
    }
    expect(await share()).toEqual([4, 4])
    await fairlead.setServiceConfig('web', { loadBalancingConfig: [{ mystery: {} }, { weighted_round_robin: {} }] })
    await eventually(async () => (await share()).join() === '6,2')
    // The default's method config went with it: a failed call is not retried.
    servers.forEach((server) => (server.answer = () => ({ code: status.UNAVAILABLE })))
    const before = servers[0]!.calls + servers[1]!.calls
    expect((await channel.call()).code).toBe(status.UNAVAILABLE)
    expect(servers[0]!.calls + servers[1]!.calls - before).toBe(1)
  })

  it('passes on what it says about methods', async () => {
    const { fairlead, serve, client } = await start()
    const server = await serve('web')
    await fairlead.setServiceConfig('web', retries(14) as Record<string, unknown>)
    const codes = [status.UNAVAILABLE, status.UNAVAILABLE, status.OK]
    server.answer = () => ({ code: codes[server.calls - 1] ?? status.OK })
    expect((await client('ns:///web').call()).code).toBe(status.OK)
    expect(server.calls).toBe(3)
  })

  it.each([
    { loadBalancingConfig: [{ mystery: {} }] },
    { loadBalancingConfig: [{ least_request: { choiceCount: 1 } }] },
    { methodConfig: [{ name: [{}], timeout: 'soon' }] },
    { loadBalancingConfig: 7 },
  ])('that cannot be used breaks nothing: %j', async (config) => {
    const warnings: unknown[] = []
    const logger = { debug() {}, info() {}, error() {}, warn: (_: string, fields?: unknown) => warnings.push(fields) }
    const { registry, serve, client } = await start({ logger })
    const servers = [await serve('web'), await serve('web')]
    await putConfig(registry.endpoint, 'web', config)
    const channel = client('ns:///web', policy('round_robin'))
    await eventually(async () => {
      await channel.calls(2)
      return servers.every(({ calls }) => calls > 0)
    })
    expect(warnings).toEqual([expect.objectContaining({ service: 'web' })])
  })

  it('and a default that cannot be used either are told of once each', async () => {
    const warnings: unknown[] = []
    const logger = { debug() {}, info() {}, error() {}, warn: (_: string, fields?: unknown) => warnings.push(fields) }
    const { registry, fairlead, serve, client } = await start({ logger })
    const server = await serve('web')
    await putConfig(registry.endpoint, 'web', { loadBalancingConfig: [{ mystery: {} }] })
    const channel = client('ns:///web', policy('enigma'))
    for (const state of ['drain', 'ready', 'drain', 'ready'] as const) {
      await fairlead.setEndpoint('web', server.address, { state })
      const expected = state === 'ready' ? status.OK : status.UNAVAILABLE
      await eventually(async () => (await channel.call()).code === expected)
    }
    const error = (name: string) => expect.objectContaining({ error: expect.stringContaining(name) as string })
    expect(warnings).toEqual(expect.arrayContaining([error('mystery'), error('enigma')]))
    expect(warnings).toHaveLength(2)
  })

  it('may be an empty option, which is none to grpc-js', async () => {
    const { serve, client } = await start()
    await serve('web')
    await client('ns:///web', { 'grpc.service_config': '' }).calls(1)
  })
})

describe('while the registry is away', () => {
  it('calls go on over what was known, after idleness too', async () => {
    const { registry, serve, client } = await start()
    const server = await serve('web')
    const channel = client('ns:///web', { 'grpc.client_idle_timeout_ms': 1000 })
    await channel.calls(2)
    await registry.close()
    await channel.calls(5)
    await eventually(() => channel.getChannel().getConnectivityState(false) === connectivityState.IDLE)
    await channel.calls(5)
    expect(server.calls).toBe(12)
  })

  it('from the start, calls fail at once or wait, as they like, and all is well when it comes', async () => {
    const port = await freePort()
    const registration = registerFairlead({ endpoints: [`127.0.0.1:${port}`], commandTimeoutMs: 500 })
    const channel = new TestClient('ns:///web')
    opened.push(registration, channel)
    const { code, details } = await channel.call()
    expect(code).toBe(status.UNAVAILABLE)
    expect(details).toMatch(new RegExp(`cannot resolve web: .*127.0.0.1:${port}`))
    const waits = channel.call({ metadata: waiting() })
    const registry = await startRegistry({ listen: `127.0.0.1:${port}` })
    const fairlead = await connect({ endpoints: [registry.endpoint] })
    const server = await startServer()
    opened.push(server, registry, fairlead)
    await fairlead.register('web', server.address)
    expect((await waits).code).toBe(status.OK)
    await channel.calls(1)
  })
})

describe('registrations', () => {
  it('share one connection among all channels and give it back with the last', async () => {
    const { registry, serve } = await start()
    const proxy = await startFaultProxy(registry.port)
    const registration = registerFairlead({ endpoints: [proxy.endpoint] })
    opened.push(proxy, registration)
    await Promise.all([serve('web'), serve('api')])
    const channels = ['web', 'web', 'api'].map((name) => new TestClient(`ns:///${name}`))
    expect(proxy.connections).toBe(0)
    for (const channel of channels) {
      await channel.calls(1)
      expect(proxy.connections).toBe(1)
    }
    for (const channel of channels) channel.close()
    await eventually(() => proxy.connections === 0)
    const another = new TestClient('ns:///web')
    await another.calls(1)
    expect(proxy.connections).toBe(1)
    await registration.close()
    await eventually(() => proxy.connections === 0)
    another.close()
  })

  it('go by the latest that is open; channels stay with theirs', async () => {
    const [first, second] = [await start(), await start()]
    const [ofFirst, ofSecond] = [await first.serve('web'), await second.serve('web')]
    const early = second.client('ns:///web')
    await early.calls(1)
    await second.registration.close()
    await second.registration.close()
    await first.client('ns:///web').calls(2)
    await early.calls(4)
    expect([ofFirst.calls, ofSecond.calls]).toEqual([2, 5])
  })

  it('leave channels what they know when they are closed, and new ones a clear word', async () => {
    const { registration, serve, client } = await start()
    const server = await serve('web')
    const channel = client('ns:///web')
    const unused = client('ns:///web')
    await channel.calls(1)
    await registration.close()
    await channel.calls(2)
    expect(server.calls).toBe(3)
    for (const late of [unused, client('ns:///web')]) {
      const { code, details } = await late.call()
      expect(code).toBe(status.UNAVAILABLE)
      expect(details).toMatch(/cannot resolve web: .*call registerFairlead\(\) again/)
    }
  })

  it('end the wait of channels for a registry that never answered when they are closed', async () => {
    const mute = createServer((socket) => socket.on('error', () => undefined).resume())
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    opened.push(mute)
    const { port } = mute.address() as { port: number }
    const registration = registerFairlead({ endpoints: [`127.0.0.1:${port}`], commandTimeoutMs: 60_000 })
    const channel = new TestClient('ns:///web')
    opened.push(channel)
    const call = channel.call()
    await eventually(() => new Promise((resolve) => mute.getConnections((_, count) => resolve(count > 0))))
    await registration.close()
    const { code, details } = await call
    expect(code).toBe(status.UNAVAILABLE)
    expect(details).toMatch(
      /cannot resolve web: the registration with gRPC was closed; call registerFairlead\(\) again/,
    )
  })

  it('refuse options that cannot be used', () => {
    expect(() => registerFairlead({ endpoints: ['http://'] })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
    expect(() => registerFairlead({ prefix: 'a\nb' })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

function retries(code: number) {
  const retryPolicy = {
    maxAttempts: 3,
    initialBackoff: '0.01s',
    maxBackoff: '0.01s',
    backoffMultiplier: 1,
    retryableStatusCodes: [code],
  }
  return { methodConfig: [{ name: [{}], retryPolicy }] }
}

/** Writes a config past the checks of the library. */
async function putConfig(endpoint: string, service: string, config: unknown): Promise<void> {
  const { Etcd3 } = await import('etcd3')
  const etcd = new Etcd3({ hosts: endpoint })
  await etcd.put(`/ns/.config/${service}`).value(JSON.stringify(config))
  etcd.close()
}
