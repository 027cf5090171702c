import { afterEach, describe, expect, it } from 'vitest'
import { registerFairlead } from '../../src/grpc.js'
import { eventually } from '../support/eventually.js'
import { policy, startServer, TestClient, type TestServer } from './support.js'

let opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.reverse()) await each.close()
  opened = []
})

/** Weights count at once and are put into use as often as they may be. Names that grpc-js reads, which reads no others. */
const WEIGHTS = { blackout_period: '0s', weight_update_period: '0.1s' }

/** An OrcaLoadReport as a `-bin` trailer: field numbers and doubles. */
function report(fields: Readonly<Record<number, number>>): Readonly<Record<string, string>> {
  const parts = Object.entries(fields).map(([number, value]) => {
    const part = Buffer.alloc(9)
    part.writeUInt8(Number(number) * 8 + 1)
    part.writeDoubleLE(value, 1)
    return part
  })
  return { 'endpoint-load-metrics-bin': Buffer.concat(parts).toString('base64') }
}

const [CPU, RPS, APPLICATION] = [1, 6, 9] as const

/** What each server gets of so many calls once the weights have settled, by a policy of this name. */
async function shares(
  name: string,
  trailers: readonly Readonly<Record<string, string>>[],
  calls = 300,
): Promise<number[]> {
  const registration = registerFairlead()
  const servers: TestServer[] = []
  for (const each of trailers) {
    const server = await startServer()
    server.answer = () => ({ trailers: each })
    servers.push(server)
  }
  const client = new TestClient(`ipv4:${servers.map(({ address }) => address).join(',')}`, policy(name, WEIGHTS))
  opened.push(registration, ...servers, client)
  await eventually(async () => {
    await client.calls(1)
    return servers.every(({ accepted }) => accepted > 0)
  })
  await client.calls(30)
  // Two updates of the weights.
  await new Promise((resolve) => setTimeout(resolve, 250))
  await client.calls(3)
  const before = servers.map(({ calls }) => calls)
  await client.calls(calls)
  return servers.map((server, i) => server.calls - before[i]!)
}

describe('weights by load reports in trailers', () => {
  const busy = (utilization: number) => report({ [RPS]: 100, [APPLICATION]: utilization })

  it('are rates per utilization; an endpoint without a report has the mean of the others', async () => {
    const reports = [busy(0.2), busy(0.6), {}]
    const ours = await shares('fairlead_weighted_round_robin', reports)
    // 500 : 167 : 333
    expect(ours.map((calls) => Math.round(calls / 10))).toEqual([15, 5, 10])
    // grpc-js takes the mean weight for the time between two calls, and takes long for each of these.
    const theirs = await shares('weighted_round_robin', reports, 60)
    expect(theirs[2]).toBeLessThan(4)
  })

  it('go by the CPU where the application says nothing', async () => {
    const reports = [report({ [RPS]: 100, [CPU]: 0.1 }), report({ [RPS]: 100, [CPU]: 0.9 })]
    const [idle, loaded] = await shares('fairlead_weighted_round_robin', reports)
    expect([Math.round(idle! / 10), Math.round(loaded! / 10)]).toEqual([27, 3])
  })
})
