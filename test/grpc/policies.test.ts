import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { connectivityState, experimental, Metadata, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { POLICY_NAMES } from '../../src/core/balancer/policies/index.js'
import { eventually } from '../support/eventually.js'
import { type Environment, type RegisteredServer, startEnvironment } from './environment.js'
import { policy, startServer, type TestClient, waiting } from './support.js'

let environment: Environment
beforeEach(async () => {
  environment = await startEnvironment()
})
afterEach(() => environment.close())

/** Servers of the service `web`, of these weights. */
function serve(...weights: number[]): Promise<RegisteredServer[]> {
  return Promise.all(weights.map((weight) => environment.serve('web', { weight })))
}

/** Makes calls until every one of these has had some. */
async function warm(client: TestClient, servers: readonly { readonly calls: number }[]): Promise<void> {
  const before = servers.map(({ calls }) => calls)
  await eventually(async () => {
    await client.calls(10)
    return servers.every(({ calls }, i) => calls > before[i]!)
  })
}

/** How many of so many calls each server gets. */
async function shares(client: TestClient, servers: readonly { readonly calls: number }[], calls: number) {
  const before = servers.map((server) => server.calls)
  await client.calls(calls)
  return servers.map((server, i) => server.calls - before[i]!)
}

function keyed(name: string, value: string): Metadata {
  const metadata = new Metadata()
  metadata.set(name, value)
  return metadata
}

describe('policies on a channel of a registered service', () => {
  it.each([
    ['weighted_round_robin', [100, 200, 600]],
    ['round_robin', [300, 300, 300]],
  ])('%s gives each its exact share', async (name, expected) => {
    const servers = await serve(1, 2, 6)
    const client = environment.client('ns:///web', policy(name))
    await warm(client, servers)
    expect(await shares(client, servers, 900)).toEqual(expected)
  })

  it.each(['weighted_random', 'least_request', 'ring_hash', 'maglev'])('%s goes by weight', async (name) => {
    const servers = await serve(1, 9)
    const client = environment.client('ns:///web', policy(name))
    await warm(client, servers)
    const [light, heavy] = await shares(client, servers, 600)
    // Six standard deviations of a binomial of 600 and 0.1 are 44; the ring's own error is a few percent.
    expect(light).toBeGreaterThan(10)
    expect(light).toBeLessThan(125)
    expect(heavy).toBe(600 - light!)
  })

  it.each(POLICY_NAMES)('%s sends nothing to those that drain or are in maintenance', async (name) => {
    const servers = await serve(1, 1, 1)
    const client = environment.client('ns:///web', policy(name))
    await client.calls(10)
    await environment.fairlead.setEndpoint('web', servers[0]!.address, { state: 'drain' })
    await environment.fairlead.setEndpoint('web', servers[1]!.address, { state: 'maint' })
    await eventually(async () => (await shares(client, servers, 30))[2] === 30)
    expect(await shares(client, servers, 50)).toEqual([0, 0, 50])
  })

  it('use endpoints of weight 0 when there is nothing else, and are not connected to them before', async () => {
    const [last, first] = await serve(0, 1)
    const client = environment.client('ns:///web', policy('weighted_round_robin'))
    await client.calls(10)
    expect([last!.accepted, last!.calls]).toEqual([0, 0])
    await first!.deregister()
    await eventually(async () => {
      await client.calls(1, waiting())
      return last!.calls > 0
    })
  })

  it('finish calls that an endpoint has when it drains', async () => {
    const [first] = await serve(1)
    let answer: () => void = () => undefined
    const held = new Promise<void>((resolve) => (answer = resolve))
    first!.answer = () => (first!.calls === 1 ? { when: held } : {})
    const client = environment.client('ns:///web', policy('round_robin'))
    const slow = client.call()
    await eventually(() => first!.calls === 1)
    const [second] = await serve(1)
    await environment.fairlead.setEndpoint('web', first!.address, { state: 'drain' })
    await eventually(async () => {
      await client.calls(4)
      return second!.calls >= 8
    })
    answer()
    expect((await slow).code).toBe(status.OK)
    expect(await shares(client, [first!, second!], 5)).toEqual([0, 5])
  })

  it.each(['source_hash', 'ring_hash', 'maglev'])('%s keeps a key of its header with an endpoint', async (name) => {
    const servers = await serve(1, 1, 1)
    const client = environment.client('ns:///web', policy(name, { requestHashHeader: 'X-User' }))
    await client.calls(3)
    const users = Array.from({ length: 30 }, (_, i) => keyed('x-user', `user-${i}`))
    const used = new Set<number>()
    for (const user of users) {
      const before = servers.map(({ calls }) => calls)
      await client.calls(3, user)
      const got = servers.map(({ calls }, i) => calls - before[i]!)
      expect([...got].sort()).toEqual([0, 0, 3])
      used.add(got.indexOf(3))
    }
    expect(used.size).toBe(3)
  })

  it.each(['source_hash', 'ring_hash', 'maglev'])('%s spreads calls whose header says nothing', async (name) => {
    const servers = await serve(1, 1, 1)
    const client = environment.client('ns:///web', policy(name, { requestHashHeader: 'x-user' }))
    for (const metadata of [undefined, keyed('x-user', '')]) {
      const before = servers.map(({ calls }) => calls)
      await eventually(async () => {
        await client.calls(5, metadata)
        return servers.every(({ calls }, i) => calls > before[i]!)
      })
    }
  })

  it.each(['ring_hash', 'maglev'])('%s has calls without a key wait for no connection', async (name) => {
    const servers = await serve(1)
    // Accepts connections, and then says nothing.
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      await environment.fairlead.register('web', `127.0.0.1:${(silent.address() as AddressInfo).port}`)
      const client = environment.client('ns:///web', policy(name, { requestHashHeader: 'x-user' }))
      const ended = await Promise.all(Array.from({ length: 20 }, () => client.call({ deadlineMs: 5000 })))
      expect(new Set(ended.map(({ code }) => code))).toEqual(new Set([status.OK]))
      expect(servers[0]!.calls).toBe(20)
    } finally {
      silent.close()
    }
  })

  it.each(['round_robin', 'weighted_round_robin', 'least_connections'])(
    '%s has clients begin with different endpoints',
    async (name) => {
      const servers = await serve(1, 1, 1)
      for (let i = 0; i < 30; i++) await environment.client('ns:///web', policy(name)).calls(1)
      // All with one and the same: a chance of one in 10^13.
      expect(servers.filter(({ calls }) => calls > 0).length).toBeGreaterThan(1)
    },
  )

  it.each(['source_hash', 'ring_hash', 'maglev'])('%s has all clients agree on a key', async (name) => {
    const servers = await serve(1, 1, 1)
    const options = policy(name, { requestHashHeader: 'x-user' })
    for (let i = 0; i < 10; i++) await environment.client('ns:///web', options).calls(1, keyed('x-user', 'somebody'))
    expect(servers.map(({ calls }) => calls).sort()).toEqual([0, 0, 10])
  })

  it('source_hash without a header keeps all calls of this machine together', async () => {
    const servers = await serve(1, 1, 1)
    const client = environment.client('ns:///web', policy('source_hash'))
    await client.calls(30)
    expect(servers.map(({ calls }) => calls).sort()).toEqual([0, 0, 30])
  })

  it('pick_first connects to one, to the next when that goes, and stays', async () => {
    const servers = (await serve(1, 1, 1)).sort((a, b) => (a.address < b.address ? -1 : 1))
    const client = environment.client('ns:///web')
    await client.calls(10)
    expect(servers.map(({ accepted, calls }) => [accepted, calls])).toEqual([
      [1, 10],
      [0, 0],
      [0, 0],
    ])
    await servers[0]!.deregister()
    await eventually(async () => {
      await client.calls(1)
      return servers[1]!.calls > 0
    })
    const gone = servers[0]!.calls
    await client.calls(10)
    expect(servers[0]!.calls).toBe(gone)
    expect(servers[2]!.accepted).toBe(0)
    servers[1]!.cut()
    await eventually(() => client.getChannel().getConnectivityState(false) === connectivityState.IDLE)
    await client.calls(2)
    expect(servers[2]!.accepted).toBe(0)
    expect(servers[1]!.accepted).toBe(2)
  })

  it('pick_first connects to those that are there by the time it wakes', async () => {
    const [first] = await serve(1)
    const client = environment.client('ns:///web')
    await client.calls(1)
    first!.cut()
    await eventually(() => client.getChannel().getConnectivityState(false) === connectivityState.IDLE)
    const [second] = await serve(1)
    await first!.deregister()
    const another = environment.client('ns:///web')
    await eventually(async () => {
      await another.calls(1)
      return second!.calls > 0
    })
    const before = [first!.calls, second!.calls]
    await client.calls(1)
    expect([first!.calls, second!.calls]).toEqual([before[0], before[1]! + 1])
  })

  it('pick_first says so when the one it had has gone and the next cannot be reached', async () => {
    const servers = (await serve(1, 1)).sort((a, b) => (a.address < b.address ? -1 : 1))
    const client = environment.client('ns:///web')
    await client.calls(2)
    await servers[1]!.close()
    await servers[0]!.deregister()
    await eventually(async () => (await client.call()).code === status.UNAVAILABLE)
    expect(servers[0]!.calls).toBeLessThan(10)
    servers[1]!.close = () => Promise.resolve()
  })

  it('count calls when they are picked: a burst at once is spread by load', async () => {
    const servers = await serve(1, 1, 1, 1)
    const client = environment.client('ns:///web', policy('least_connections'))
    await warm(client, servers)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    servers.forEach((server) => (server.answer = () => ({ when: held })))
    const before = servers.map(({ calls }) => calls)
    const burst = Array.from({ length: 40 }, () => client.call())
    await eventually(() => servers.reduce((sum, { calls }, i) => sum + calls - before[i]!, 0) === 40)
    expect(servers.map(({ calls }, i) => calls - before[i]!)).toEqual([10, 10, 10, 10])
    release()
    await Promise.all(burst)
  })

  it('peak_ewma leaves a slow endpoint alone', async () => {
    const servers = await serve(1, 1)
    const client = environment.client('ns:///web', policy('peak_ewma'))
    await warm(client, servers)
    servers[0]!.answer = () => ({ when: new Promise((resolve) => setTimeout(resolve, 100)) })
    await warm(client, [servers[0]!])
    const [slow, fast] = await shares(client, servers, 100)
    expect(slow).toBeLessThan(fast! / 4)
  })

  it('peak_ewma takes no stream that goes on for a slow answer', async () => {
    const [long, slow] = await serve(1, 1)
    const servers = [long!, slow!]
    const client = environment.client('ns:///web', policy('peak_ewma'))
    await warm(client, servers)
    slow!.answer = () => ({ when: new Promise((resolve) => setTimeout(resolve, 300)) })
    await warm(client, [slow!])
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    long!.answer = () => ({ endWhen: held })
    const before = long!.calls
    const streams: Promise<unknown>[] = []
    await eventually(async () => {
      streams.push(client.call())
      await new Promise((resolve) => setTimeout(resolve, 5))
      return long!.calls > before
    })
    // Ten times as long as the other takes to answer.
    await new Promise((resolve) => setTimeout(resolve, 3000))
    long!.answer = () => ({})
    release()
    await Promise.all(streams)
    const [first, second] = await shares(client, servers, 10)
    expect(first).toBeGreaterThan(second!)
  })

  it('go back to an endpoint that has come back', async () => {
    const servers = await serve(1, 1)
    const client = environment.client('ns:///web', {
      ...policy('round_robin'),
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 100,
    })
    await warm(client, servers)
    const { port } = servers[0]!
    await servers[0]!.close()
    servers[0]!.close = () => Promise.resolve()
    await eventually(async () => (await client.call()).code === status.OK)
    const again = await startServer(port)
    await eventually(async () => {
      await client.call()
      return again.calls > 0
    })
    await again.close()
  })

  it('make another attempt elsewhere', async () => {
    const servers = await serve(1, 1, 1)
    const retryPolicy = {
      maxAttempts: 2,
      initialBackoff: '0.001s',
      maxBackoff: '0.001s',
      backoffMultiplier: 1,
      retryableStatusCodes: ['UNAVAILABLE'],
    }
    const methodConfig = [{ name: [{}], retryPolicy }]
    // Every key of a hash policy belongs to one endpoint: a second attempt would go there again.
    const options = policy('maglev', { requestHashHeader: 'x-user' }, { methodConfig })
    const client = environment.client('ns:///web', options)
    await warm(client, servers)
    servers[0]!.answer = () => ({ code: status.UNAVAILABLE })
    const before = servers[0]!.calls
    for (let i = 0; i < 30; i++) await client.calls(1, keyed('x-user', `user-${i}`))
    expect(servers[0]!.calls).toBeGreaterThan(before)
  })

  it('take out an endpoint whose calls fail, where the config says so', async () => {
    const servers = await serve(1, 1, 1)
    await environment.fairlead.setServiceConfig('web', {
      loadBalancingConfig: [
        {
          outlier_detection_experimental: {
            consecutiveFailures: 3,
            maxEjectionPercent: 50,
            childPolicy: [{ round_robin: {} }],
          },
        },
      ],
    })
    const client = environment.client('ns:///web')
    await warm(client, servers)
    servers[0]!.answer = () => ({ code: status.INTERNAL })
    await eventually(async () => {
      const ended = await Promise.all(Array.from({ length: 9 }, () => client.call()))
      return ended.every(({ code }) => code === status.OK)
    })
    servers[0]!.answer = () => ({})
    expect(await shares(client, servers, 20)).toEqual([0, 10, 10])
    await environment.fairlead.setServiceConfig('web', { loadBalancingConfig: [{ round_robin: {} }] })
    await warm(client, servers)
  })

  it('keep counters, connections and calls when the policy changes', async () => {
    const servers = await serve(1, 1, 1)
    const client = environment.client('ns:///web', policy('round_robin'))
    await warm(client, servers)
    for (const name of ['least_request', 'ring_hash', 'weighted_random', 'maglev', 'round_robin']) {
      await environment.fairlead.setServiceConfig('web', { loadBalancingConfig: [{ [name]: {} }] })
      await client.calls(30)
    }
    expect(servers.map(({ accepted }) => accepted)).toEqual([1, 1, 1])
  })
})

describe('policies on channels of other resolvers', () => {
  it('are there under gRPC’s and fairlead’s names, and leave grpc-js’s own as they are', () => {
    const names = [
      ...POLICY_NAMES,
      ...POLICY_NAMES.map((name) => `fairlead_${name}`),
      'least_request_experimental',
      'ring_hash_experimental',
      'outlier_detection_experimental',
    ]
    expect(names.filter((name) => !experimental.isLoadBalancerNameRegistered(name))).toEqual([])
    const own = experimental.parseLoadBalancingConfig({ round_robin: {} })
    expect(own.constructor.name).toBe('RoundRobinLoadBalancingConfig')
    expect(() => experimental.parseLoadBalancingConfig({ least_request: { choiceCount: 1 } })).toThrow(/choiceCount/)
  })

  it.each([...POLICY_NAMES.map((name) => `fairlead_${name}`), 'random', 'maglev', 'least_request_experimental'])(
    '%s works',
    async (name) => {
      const servers = await Promise.all([startServer(), startServer()])
      const client = environment.client(`ipv4:${servers.map(({ address }) => address).join(',')}`, policy(name))
      await client.calls(40)
      const calls = servers.map((server) => server.calls)
      expect(calls[0]! + calls[1]!).toBe(40)
      if (!/first|source/.test(name)) await warm(client, servers)
      await Promise.all(servers.map((server) => server.close()))
    },
  )

  it('say why there is no connection', async () => {
    const server = await startServer()
    await server.close()
    const client = environment.client(`ipv4:${server.address}`, policy('random'))
    const { code, details } = await client.call()
    expect(code).toBe(status.UNAVAILABLE)
    expect(details).toMatch(/no connection to the endpoint: .*ECONNREFUSED/)
  })
})
