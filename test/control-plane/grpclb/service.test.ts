import { status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { FairleadError } from '../../../src/core/errors.js'
import { silentLogger, systemRandom } from '../../../src/core/runtime.js'
import { eventually } from '../../support/eventually.js'
import { ManualClock } from '../../support/manual-clock.js'
import { FakeDirectory, served, serviceView } from '../support/fake-directory.js'
import { RawClient, startBalancer, type TestBalancer, type TestBalancerOptions } from './support.js'

const open: { close(): void }[] = []
afterEach(() => open.splice(0).forEach((each) => each.close()))

async function balancer(options?: TestBalancerOptions): Promise<TestBalancer> {
  const started = await startBalancer(options)
  open.push(started)
  return started
}

function client(at: TestBalancer): RawClient {
  const opened = new RawClient(at.address)
  open.push(opened)
  return opened
}

const web = (...lastBytes: number[]) =>
  serviceView(
    'web',
    lastBytes.map((last) => served(`10.0.0.${last}:80`)),
  )

describe('a BalanceLoad stream', () => {
  it('begins with the initial response and the list there is', async () => {
    const lb = await balancer({ reportIntervalMs: 2500 })
    lb.directory.show(web(1, 2))
    const asking = client(lb).ask('web:8080')
    await eventually(() => asking.responses.length === 2)
    expect(asking.responses[0]!.initial_response).toEqual({
      client_stats_report_interval: { seconds: '2', nanos: 500_000_000 },
    })
    expect(asking.lists).toEqual(['1 2'])
  })

  it('asks for no reports where none are wanted', async () => {
    const asking = client(await balancer({ reportIntervalMs: 0 })).ask('web')
    await eventually(() => asking.responses.length === 1)
    expect(asking.responses[0]!.initial_response).toEqual({ client_stats_report_interval: null })
  })

  it('is told each later list once, and none that says the same', async () => {
    const lb = await balancer()
    lb.directory.show(web(1))
    const asking = client(lb).ask('web')
    await eventually(() => asking.lists.length === 1)
    lb.directory.show(web(1))
    lb.directory.show(web(1, 2))
    await eventually(() => asking.lists.length === 2)
    lb.directory.show(web(2))
    await eventually(() => asking.lists.length === 3)
    expect(asking.lists).toEqual(['1', '1 2', '2'])
  })

  it('is told nothing before the registry has been heard, and an empty list for what nobody registered', async () => {
    const lb = await balancer()
    const asking = client(lb).ask('web')
    await eventually(() => asking.responses.length === 1)
    lb.directory.show(serviceView('web', [], { exists: false }))
    await eventually(() => asking.responses.length === 2)
    expect(asking.lists).toEqual([''])
    lb.directory.show(web(7))
    await eventually(() => asking.lists.length === 2)
    expect(asking.lists).toEqual(['', '7'])
    expect(asking.status).toBeUndefined()
  })

  it('goes on after the client has said all it has to say', async () => {
    const lb = await balancer()
    const asking = client(lb).ask('web')
    asking.stream.end()
    await eventually(() => lb.directory.followers('web') === 1)
    lb.directory.show(web(1))
    await eventually(() => asking.lists.length === 1)
    expect(asking.status).toBeUndefined()
  })

  it('is told of its own zone, else of the balancer’s', async () => {
    const lb = await balancer({ zone: 'b' })
    const zoned = [served('10.0.0.1:80', { zone: 'a' }), served('10.0.0.2:80', { zone: 'b' })]
    lb.directory.show(serviceView('web', zoned))
    const [near, other, unknown] = [client(lb).ask('web@a'), client(lb).ask('web'), client(lb).ask('web@elsewhere')]
    await eventually(() => near.lists.length === 1 && other.lists.length === 1 && unknown.lists.length === 1)
    expect([near.lists, other.lists, unknown.lists]).toEqual([['1'], ['2'], ['1 2']])
    // The zone loses its only endpoint: its client is told of all others.
    lb.directory.show(serviceView('web', [served('10.0.0.2:80', { zone: 'b' })]))
    await eventually(() => near.lists.length === 2)
    expect(near.lists).toEqual(['1', '2'])
    expect(other.lists).toEqual(['2'])
  })

  it('shares one watch with all others of the service, which ends with the last of them', async () => {
    const lb = await balancer()
    lb.directory.show(web(1))
    const clients = Array.from({ length: 20 }, () => client(lb).ask('web'))
    await eventually(() => clients.every(({ lists }) => lists.length === 1))
    expect(lb.directory.followers('web')).toBe(1)
    for (const each of clients) each.close()
    await eventually(() => lb.directory.followers('web') === 0)
    expect(lb.events.filter(({ event }) => event === 'left')).toHaveLength(20)
  })

  it('gives a slow reader the latest list only', async () => {
    const lb = await balancer()
    const many = (from: number) =>
      serviceView(
        'web',
        Array.from({ length: 500 }, (_, i) => served(`10.${from}.${i >> 8}.${i & 255}:80`)),
      )
    const asking = client(lb).ask('web')
    await eventually(() => asking.responses.length === 1)
    asking.stream.pause()
    for (let change = 0; change < 200; change++) {
      lb.directory.show(many(change))
      // Lets sockets have their turn, so that what the reader takes is taken.
      if (change % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
    }
    asking.stream.resume()
    const lastFirstByte = () => asking.responses.at(-1)!.server_list?.servers[0]?.ip_address?.at(1)
    await eventually(() => lastFirstByte() === 199)
    expect(asking.responses.length).toBeLessThan(100)
  })

  it('ends with UNAVAILABLE when the balancer does', async () => {
    const lb = await balancer()
    const asking = client(lb).ask('web')
    await eventually(() => asking.responses.length === 1)
    lb.service.close()
    await eventually(() => asking.status !== undefined)
    expect(asking.status).toMatchObject({ code: status.UNAVAILABLE, details: 'this balancer is shutting down' })
    expect(lb.directory.followers('web')).toBe(0)
    const late = client(lb).ask('web')
    await eventually(() => late.status !== undefined)
    expect(late.status!.code).toBe(status.UNAVAILABLE)
  })
})

describe('a client that breaks the rules', () => {
  const refusal = async (speak: (client: RawClient) => void): Promise<number> => {
    const breaking = client(await balancer())
    speak(breaking)
    await eventually(() => breaking.status !== undefined)
    return breaking.status!.code
  }

  it('is told that its name is no service’s', async () => {
    expect(await refusal((each) => each.ask('a/b'))).toBe(status.NOT_FOUND)
    expect(await refusal((each) => each.ask('x'.repeat(256)))).toBe(status.NOT_FOUND)
  })

  it('has to ask first, and once', async () => {
    expect(await refusal((each) => each.report({}))).toBe(status.INVALID_ARGUMENT)
    expect(await refusal((each) => each.ask('web').ask('web'))).toBe(status.INVALID_ARGUMENT)
    expect(await refusal((each) => each.stream.end())).toBe(status.INVALID_ARGUMENT)
  })

  it('may not talk without end, nor of more drops than any list has', async () => {
    const flood = async (each: RawClient) => {
      each.ask('web')
      for (let i = 0; i < 100; i++) each.report({})
    }
    expect(await refusal((each) => void flood(each))).toBe(status.RESOURCE_EXHAUSTED)
    const tokens = Array.from({ length: 1001 }, (_, i) => ({ load_balance_token: String(i), num_calls: 1 }))
    expect(await refusal((each) => each.ask('web').report({ calls_finished_with_drop: tokens }))).toBe(
      status.INVALID_ARGUMENT,
    )
  })

  it('may not stay silent', async () => {
    const clock = new ManualClock()
    const lb = await balancer({ runtime: { clock, random: systemRandom, log: silentLogger } })
    const silent = client(lb)
    silent.stream.write({})
    // A message that asks for nothing is not the one that has to come.
    await eventually(() => silent.status?.code === status.INVALID_ARGUMENT)
    const quiet = client(lb)
    await eventually(() => clock.pending === 1)
    await clock.advance(10_000)
    await eventually(() => quiet.status?.code === status.DEADLINE_EXCEEDED)
    expect(clock.pending).toBe(0)
  })
})

describe('a directory that takes no further service', () => {
  it('is told before the initial response, so that the client backs off', async () => {
    const directory = new (class extends FakeDirectory {
      override follow(): () => void {
        throw new FairleadError('REFUSED', 'too many services that do not exist')
      }
    })()
    const lb = await balancer({ directory })
    const asking = client(lb).ask('web')
    await eventually(() => asking.status !== undefined)
    expect(asking.status).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'too many services that do not exist',
    })
    expect(asking.responses).toEqual([])
    expect(lb.events).toEqual([])
  })
})

describe('the meter of the protocol', () => {
  const read = (lb: TestBalancer) => lb.service.meters[0]!.read()

  it('counts streams and lists, and shows what each open stream asks for', async () => {
    const lb = await balancer({ zone: 'a' })
    const [first, second] = [client(lb).ask('web'), client(lb)]
    await eventually(() => read(lb).open === 2 && first.responses.length > 0)
    lb.directory.show(web(1))
    await eventually(() => first.lists.length === 1)
    lb.directory.show(web(1))
    lb.directory.show(web(1, 2))
    await eventually(() => first.lists.length === 2)
    expect(read(lb)).toMatchObject({ protocol: 'grpclb', open: 2, begun: 2, responses: { ServerList: 2 }, reports: 0 })
    const streams = Array.from(read(lb).streams, (stream) => stream.read())
    const subscriptions = [{ type: 'ServerList', all: false, names: new Set(['web']) }]
    expect(streams).toMatchObject([
      { zone: 'a', subscriptions },
      { subscriptions: [], load: [] },
    ])
    expect(streams[0]!.client).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(lb.service.followers('web')).toBe(1)
    expect(lb.service.followers('db')).toBe(0)
    second.close()
    await eventually(() => read(lb).open === 1)
    expect(read(lb).begun).toBe(2)
  })

  it('measures how long it takes until the last client is told of a change in the registry', async () => {
    const clock = new ManualClock()
    const lb = await balancer({ runtime: { clock, random: systemRandom, log: silentLogger } })
    const asking = client(lb).ask('web')
    await eventually(() => asking.responses.length > 0)
    const heardAt = clock.now()
    await clock.advance(5)
    lb.directory.show(web(1), heardAt)
    lb.directory.show(web(2))
    const { counts, sumMs } = read(lb).telling
    expect(sumMs).toBe(5)
    expect(counts.map((count, i) => [count, i] as const).filter(([count]) => count > 0)).toEqual([[1, 3]])
  })
})

describe('load reports', () => {
  it('are told, and passed on as traffic', async () => {
    const clock = new ManualClock()
    const lb = await balancer({ runtime: { clock, random: systemRandom, log: silentLogger } })
    const [first, second] = [client(lb).ask('web'), client(lb).ask('web')]
    await eventually(() => lb.events.length === 2)
    await clock.advance(2000)
    first.report({
      num_calls_started: 10,
      num_calls_finished: 9,
      num_calls_finished_with_client_failed_to_send: 1,
      num_calls_finished_known_received: 6,
      calls_finished_with_drop: [{ load_balance_token: 'drop', num_calls: 2 }],
    })
    await eventually(() => lb.directory.reported.length === 1)
    second.report({ num_calls_started: 4, num_calls_finished: 4 })
    await eventually(() => lb.directory.reported.length === 2)
    first.report({ num_calls_started: -5, num_calls_finished: '9223372036854775807' })
    second.report({})
    second.report({ num_calls_started: 1 })
    await eventually(() => lb.directory.reported.length === 3)

    expect(lb.directory.reported).toEqual([
      { service: 'web', requests: 10, failed: 1, dropped: 2 },
      { service: 'web', requests: 4, failed: 0, dropped: 0 },
      { service: 'web', requests: 1, failed: 0, dropped: 0 },
    ])
    const meter = lb.service.meters[0]!.read()
    expect(meter.reports).toBe(5)
    expect(Array.from(meter.streams, (stream) => stream.read().load)).toEqual([
      [['web', { requests: 10, failed: 1, dropped: 2 }]],
      [['web', { requests: 5, failed: 0, dropped: 0 }]],
    ])
    const told = lb.events.filter(({ event }) => event === 'load')
    expect(told).toHaveLength(3)
    expect(told[0]).toMatchObject({
      protocol: 'grpclb',
      service: 'web',
      requests: 10,
      failed: 1,
      dropped: 2,
      seconds: 2,
    })
  })
})
