import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect, type Fairlead } from '../../src/core/fairlead.js'
import type { Registration } from '../../src/core/registry/registration.js'
import { type GrpcRegistration, registerFairlead } from '../../src/grpc.js'
import { policy, startServer, TestClient, type TestServer } from '../grpc/support.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'
import { type RealEtcd, startRealEtcd } from '../support/real-etcd.js'

/** For how long etcd is away while calls run. */
const OUTAGE_MS = 1000 * Number(process.env.FAIRLEAD_OUTAGE_SECONDS ?? 10)

describeWithPeers(['etcd'], 'gRPC clients on etcd', () => {
  let etcd: RealEtcd
  let fairlead: Fairlead
  let grpc: GrpcRegistration
  const servers: TestServer[] = []

  beforeAll(async () => {
    etcd = await startRealEtcd()
    fairlead = await connect({ endpoints: [etcd.endpoint] })
    grpc = registerFairlead({ endpoints: [etcd.endpoint] })
  })
  afterAll(async () => {
    await grpc.close()
    await fairlead.close()
    await Promise.all(servers.map((server) => server.close()))
    await etcd.close()
  })

  async function serve(service: string, weight = 1): Promise<{ server: TestServer; registration: Registration }> {
    const server = await startServer()
    servers.push(server)
    return { server, registration: await fairlead.register(service, server.address, { weight }) }
  }

  it('divide 9,000 calls by weight', { timeout: 120_000 }, async () => {
    const greeters = [await serve('greeter', 1), await serve('greeter', 2), await serve('greeter', 6)]
    const client = new TestClient('ns:///greeter', policy('weighted_round_robin'))
    const calls = () => greeters.map(({ server }) => server.calls)
    await eventually(async () => {
      await client.calls(3)
      return calls().every((count) => count > 0)
    })
    const before = calls()
    await Promise.all(Array.from({ length: 30 }, () => client.calls(300)))
    calls().forEach((count, i) => {
      const expected = [1000, 2000, 6000][i]!
      expect(Math.abs(count - before[i]! - expected)).toBeLessThanOrEqual(expected / 100)
    })
    client.close()
  })

  it(
    'call a server that registers while calls run, and none that has been taken out',
    { timeout: 60_000 },
    async () => {
      const first = await serve('shop')
      const client = new TestClient('ns:///shop', policy('round_robin'))
      const running = keepCalling(client, 4)
      await eventually(() => first.server.calls > 10)
      const server = await startServer()
      servers.push(server)
      let called: () => void = () => undefined
      const firstCall = new Promise<void>((resolve) => (called = resolve))
      server.answer = () => {
        called()
        return {}
      }
      const put = performance.now()
      const registration = await fairlead.register('shop', server.address)
      await firstCall
      report('from the put to the first call', performance.now() - put)
      await eventually(() => server.calls > 10)

      await registration.close()
      await eventually(async () => {
        const before = server.calls
        const others = first.server.calls
        await eventually(() => first.server.calls > others + 20)
        return server.calls === before
      })
      const left = server.calls
      const others = first.server.calls
      await eventually(() => first.server.calls > others + 200)
      expect(server.calls).toBe(left)
      expect(await running.stop()).toEqual([])
      client.close()
    },
  )

  it(
    'go on without a failed call while etcd is away, and follow it again',
    { timeout: 60_000 + 2 * OUTAGE_MS },
    async () => {
      const two = [await serve('cart'), await serve('cart')]
      const client = new TestClient('ns:///cart', policy('round_robin'))
      const running = keepCalling(client, 2)
      await eventually(() => two.every(({ server }) => server.calls > 10))
      await etcd.kill('SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS))
      const during = two.map(({ server }) => server.calls)
      await eventually(() => two.every(({ server }, i) => server.calls > during[i]! + 10))
      await etcd.start()
      const { server } = await serve('cart')
      await eventually(() => server.calls > 10, 30_000)
      expect(await running.stop()).toEqual([])
      report('calls, none failed', running.made)
      client.close()
    },
  )
})

/** Makes calls, so many at a time, until stopped; tells what became of those that failed. */
function keepCalling(client: TestClient, concurrency: number) {
  const failures: string[] = []
  let stopped = false
  const calling = {
    made: 0,
    async stop(): Promise<readonly string[]> {
      stopped = true
      await callers
      return failures
    },
  }
  const caller = async () => {
    while (!stopped) {
      const { code, details } = await client.call()
      calling.made++
      if (code !== status.OK) failures.push(`${status[code]}: ${details}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const callers = Promise.all(Array.from({ length: concurrency }, caller))
  return calling
}

/** A figure for who reads the test's output. */
function report(what: string, value: number): void {
  process.stderr.write(`${what}: ${value.toFixed(1)}\n`)
}
