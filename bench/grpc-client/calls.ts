/** Times calls under one policy, and under grpc-js's own round_robin in turn, in a process of its own: a program uses one. */
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { registerFairlead } from '../../src/grpc.js'
import type { Servers } from './servers.js'

/** CPU microseconds a call, one value a round. */
export interface CallTimes {
  readonly ours: readonly number[]
  readonly roundRobin: readonly number[]
}

/** Channels differ by what is in memory where; so each round has several of each side. */
const CHANNELS = 4
const WARM_UP = 400
/** Each channel is timed in short stretches in turn with its counterpart, and their median counts: the machine does other things too. */
const STRETCHES = 7
const CALLS = 200
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
  registerFairlead({ endpoints: [registry] })
  const roundRobin = () => channel(`ipv4:${addresses.join(',')}`, { round_robin: {} })
  // Without an entry of ours: the same against itself.
  const ours = () => (entry ? channel(`ns:///${service}`, entry) : roundRobin())
  // Keeps the connection to the registry open, which comes and goes with channels.
  await timeCalls(channel(`ns:///${service}`, { round_robin: {} }), WARM_UP)
  await timeRound(ours, roundRobin)
  const times = { ours: [] as number[], roundRobin: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const [a, b] = await timeRound(ours, roundRobin)
    times.ours.push(a)
    times.roundRobin.push(b)
  }
  return times
}

async function timeRound(a: () => Client, b: () => Client): Promise<[a: number, b: number]> {
  const sums: [number, number] = [0, 0]
  for (let i = 0; i < CHANNELS; i++) {
    // Who comes first takes turns.
    const turned = i % 2 === 1
    const [first, second] = await timePair(turned ? b() : a(), turned ? a() : b())
    sums[0] += (turned ? second : first) / CHANNELS
    sums[1] += (turned ? first : second) / CHANNELS
  }
  return sums
}

async function timePair(...pair: [Client, Client]): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []]
  for (const client of pair) await timeCalls(client, WARM_UP)
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    for (const side of [0, 1] as const) times[side].push(await timeCalls(pair[side], CALLS))
  }
  for (const client of pair) client.close()
  return [median(times[0]), median(times[1])]
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

const [servers, entry, rounds] = process.argv.slice(2)
if (process.send && servers && entry) {
  const times = await measure(JSON.parse(servers) as Servers, JSON.parse(entry) as object | null, Number(rounds))
  process.send(times, () => process.exit())
}
