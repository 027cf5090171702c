import { connect as dial, createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.js'
import { GrpcPeerClient } from '../support/grpc-peer.js'
import { startLoadReporter } from '../support/load-reporter.js'
import { type Environment, startEnvironment } from './environment.js'
import { policy } from './support.js'

let opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.reverse()) await each.close()
  opened = []
})

async function start(): Promise<Environment> {
  const environment = await startEnvironment()
  opened.push(environment)
  return environment
}

/** In front of a server: counts the connections to it. */
async function startRelay(port: number) {
  const seen = { accepted: 0, open: 0 }
  const server = createServer((near) => {
    seen.accepted++
    seen.open++
    const far = dial(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    near.on('close', () => (seen.open--, far.destroy())).on('error', () => undefined)
    far.on('close', () => near.destroy()).on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push({ close: () => server.close() })
  return Object.assign(seen, { address: `127.0.0.1:${(server.address() as AddressInfo).port}` })
}

const QUICK = { blackoutPeriod: '0s', weightUpdatePeriod: '0.1s' }

describe('weights by load in a gRPC client', () => {
  it('come out of band, on the connections that calls are sent on', async () => {
    const { fairlead } = await start()
    const servers = await Promise.all([100, 300].map((rps) => startLoadReporter(rps)))
    opened.push(...servers)
    const relays = await Promise.all(servers.map(({ port }) => startRelay(port)))
    for (const { address } of relays) await fairlead.register('web', address)
    const config = { ...QUICK, enableOobLoadReport: true, oobReportingPeriod: '0.1s' }
    const client = new GrpcPeerClient('ns:///web', policy('fairlead_weighted_round_robin', config))
    opened.push(client)
    await eventually(async () => {
      for (const server of servers) server.calls = 0
      for (let i = 0; i < 40; i++) expect((await client.unary({})).code).toBe(0)
      return servers[0]!.calls === 10 && servers[1]!.calls === 30
    })
    expect(relays.map(({ accepted }) => accepted)).toEqual([1, 1])
    client.close()
    await eventually(() => relays.every(({ open }) => open === 0))
  })

  it('come from the figures in records', async () => {
    const { serve, client } = await start()
    const [busy, idle] = [await serve('web', { load: 0.9 }), await serve('web', { load: 0.3 })]
    const channel = client('ns:///web', policy('fairlead_weighted_round_robin', QUICK))
    await eventually(async () => {
      const before = [busy.calls, idle.calls]
      await channel.calls(30)
      return idle.calls - before[1]! > 1.3 * (busy.calls - before[0]!)
    })
  })

  it('are asked for on connections that are made anew', async () => {
    const { fairlead } = await start()
    const servers = await Promise.all([100, 300].map((rps) => startLoadReporter(rps)))
    opened.push(...servers)
    for (const { address } of servers) await fairlead.register('web', address)
    const config = { ...QUICK, weightExpirationPeriod: '1s', enableOobLoadReport: true, oobReportingPeriod: '0.1s' }
    const client = new GrpcPeerClient('ns:///web', policy('fairlead_weighted_round_robin', config))
    opened.push(client)
    const calls = async () => {
      for (const server of servers) server.calls = 0
      for (let i = 0; i < 40; i++) await client.unary({})
      return servers.map((server) => server.calls)
    }
    await eventually(async () => (await calls())[1]! > 25)
    servers[1]!.close()
    await eventually(async () => (await calls())[0] === 40)
    const back = await startLoadReporter(300, undefined, servers[1]!.port)
    opened.push(back)
    servers[1] = back
    await eventually(async () => (await calls())[1] === 30)
  })
})
