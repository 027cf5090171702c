/** Times calls under one policy, and under grpc-js's own round_robin in turn, in a process of its own: a program uses one. */
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import type * as FairleadGrpc from '../../src/grpc.js'
import type { Servers } from './servers.js'

/** CPU microseconds a call, one value a round. */
export interface CallTimes {
  readonly ours: readonly number[]
  readonly roundRobin: readonly number[]
}

/** Before a channel's calls are timed. */
const WARM_UP = 1000
/** Each round has so many stretches of each side, in turn: what else the machine does, and the garbage collector, falls to both alike. */
const STRETCHES = 16
const CALLS = 1000
const CONCURRENCY = 32
const USERS = Array.from({ length: 1000 }, (_, i) => {
  const metadata = new Metadata()
  metadata.set('x-user', `user-${i}`)
  return metadata
})

function channel(target: string, entry: object): Client {
  return new Client(target, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [entry] }),
  })
}

/** Makes calls, so many at a time, and returns the CPU microseconds that each took this process. */
async function timeCalls(client: Client, calls: number): Promise<number> {
  const begin = process.cpuUsage()
  let next = 0
  const caller = async () => {
    while (next < calls) await call(client, USERS[next++ % USERS.length]!)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, caller))
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / calls
}

function call(client: Client, metadata: Metadata): Promise<void> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/bench.Echo/Call', same, same, EMPTY, metadata, {}, (error) =>
      error ? reject(error) : resolve(),
    )
  })
}

const EMPTY = Buffer.alloc(0)

function same(bytes: Buffer): Buffer {
  return bytes
}

async function measure(
  { registry, service, addresses }: Servers,
  entry: object | null,
  rounds: number,
): Promise<CallTimes> {
  const { registerFairlead } = await builtLibrary()
  registerFairlead({ endpoints: [registry] })
  const roundRobin = () => channel(`ipv4:${addresses.join(',')}`, { round_robin: {} })
  // Without an entry of ours: the same against itself.
  const ours = () => (entry ? channel(`ns:///${service}`, entry) : roundRobin())
  // Keeps the connection to the registry open, which comes and goes with channels.
  await timeCalls(channel(`ns:///${service}`, { round_robin: {} }), WARM_UP)
  await timeRound(ours(), roundRobin())
  const times = { ours: [] as number[], roundRobin: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const [a, b] = await timeRound(ours(), roundRobin())
    times.ours.push(a)
    times.roundRobin.push(b)
  }
  return times
}

/** What users install: sources that are compiled as they are loaded cost more. */
async function builtLibrary(): Promise<typeof FairleadGrpc> {
  return (await import(new URL('../../dist/grpc.js', import.meta.url).href)) as typeof FairleadGrpc
}

async function timeRound(...pair: [Client, Client]): Promise<[number, number]> {
  const sums: [number, number] = [0, 0]
  for (const client of pair) await timeCalls(client, WARM_UP)
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    // Who comes first takes turns.
    const order = stretch % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)
    for (const side of order) sums[side] += (await timeCalls(pair[side], CALLS)) / STRETCHES
  }
  for (const client of pair) client.close()
  return sums
}

const [servers, entry, rounds] = process.argv.slice(2)
if (process.send && servers && entry) {
  const times = await measure(JSON.parse(servers) as Servers, JSON.parse(entry) as object | null, Number(rounds))
  process.send(times, () => process.exit())
}
