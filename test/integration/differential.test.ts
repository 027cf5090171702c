import { isDeepStrictEqual } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startRegistry } from '../../src/testing.js'
import { type CallStep, type Step, StepGenerator } from '../support/etcd-steps.js'
import { describeWithPeers } from '../support/peers.js'
import { RawEtcd, type RawResponse } from '../support/raw-etcd.js'
import { startRealEtcd } from '../support/real-etcd.js'
import { seededRandom } from '../support/seeded-random.js'
import { WatchRecorder } from '../support/watch-recorder.js'

const SEQUENCES = 5
const STEPS = 120

/** FAIRLEAD_TEST_SEED repeats a run; every failure names its seed. */
const SEED = Number(process.env['FAIRLEAD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** One for the in-memory registry, one for the real etcd. */
type Both<T> = readonly [T, T]

const both = async <T, U>([a, b]: Both<T>, act: (item: T) => Promise<U> | U): Promise<Both<U>> =>
  await Promise.all([act(a), act(b)])

describeWithPeers(['etcd'], 'random operations on the in-memory registry and on a real etcd', () => {
  let servers: Both<{ endpoint: string; close(): Promise<void> }>
  beforeAll(async () => {
    servers = await Promise.all([startRegistry(), startRealEtcd()])
  })
  afterAll(() => both(servers, (server) => server.close()))

  it(`get the same answers and the same events (seed ${SEED})`, { timeout: 120_000 }, async () => {
    const etcds = await both(servers, ({ endpoint }) => new RawEtcd(endpoint))
    for (let sequence = 0; sequence < SEQUENCES; sequence++) await compareSequence(etcds, sequence)
    await both(etcds, (etcd) => etcd.close())
  })
})

async function compareSequence(etcds: Both<RawEtcd>, sequence: number): Promise<void> {
  const prefix = `/${sequence}/`
  const steps: string[] = []
  const context = () => `seed ${SEED}, sequence ${sequence}, after\n${steps.slice(-8).join('\n')}\n`
  const recorders = await both(etcds, (etcd) => new WatchRecorder(etcd.watch()))
  const compareEvents = async () => {
    const [embedded, real] = await settled(recorders)
    expect(embedded, context()).toEqual(real)
  }
  const [first] = await both(etcds, (etcd) => etcd.call('Put', { key: `${prefix}start` }))
  const generator = new StepGenerator(seededRandom(SEED + sequence), prefix, revisionOf(first), sequence)
  for (let index = 0; index < STEPS; index++) {
    const step = generator.next()
    steps.push(JSON.stringify(step))
    // etcd serves watches of the past in the background, and compaction changes what they can see.
    if (step.method === 'Compact') await compareEvents()
    const [embedded, real] = step.watch
      ? await both(recorders, (recorder) => recorder.create(step.watch))
      : await both(etcds, (etcd) => answer(etcd, step))
    expect(normalised(step, embedded), context()).toEqual(normalised(step, real))
    generator.observe(step, revisionOf(real))
  }
  await compareEvents()
  await both(recorders, (recorder) => recorder.close())
}

type Answer = RawResponse | { readonly code: number; readonly details: string }

async function answer(etcd: RawEtcd, { method, request }: CallStep): Promise<Answer> {
  try {
    return await etcd.call(method, request)
  } catch (error) {
    const { code, details } = error as { code: number; details: string }
    return { code, details }
  }
}

const revisionOf = (answer: Answer): number =>
  'header' in answer ? Number((answer as RawResponse).header.revision) : 0

/** What may differ between two clusters is blurred: ids, the seconds a lease has left and the order of its keys. */
function normalised(step: Step, answer: Answer): unknown {
  const presence = new Set(['cluster_id', 'member_id', 'raft_term'])
  if (step.method === 'LeaseTimeToLive') presence.add('TTL')
  return JSON.parse(
    JSON.stringify(answer, (name, value: unknown) => {
      if (presence.has(name)) return Number(value) > 0
      return name === 'keys' ? [...(value as string[])].sort() : value
    }),
  )
}

/** The events of both once they agree and no more come, or as they are after 10 s of disagreement. */
async function settled(recorders: Both<WatchRecorder>): Promise<Both<unknown>> {
  const snapshot = () => structuredClone(recorders.map(({ events }) => events)) as unknown as Both<unknown>
  for (let attempt = 0; attempt < 100; attempt++) {
    const before = snapshot()
    await delay(120)
    if (isDeepStrictEqual(before[0], before[1]) && isDeepStrictEqual(snapshot(), before)) break
  }
  return snapshot()
}
