import { type ServiceError, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import type { ServedEndpoint } from '../../../src/core/control-plane/directory/contract.js'
import { type TestBalancer, startBalancer } from '../../control-plane/grpclb/support.js'
import { served, serviceView, type ViewOptions } from '../../control-plane/support/fake-directory.js'
import { eventually } from '../../support/eventually.js'
import { lookaside, startTokenServer, TestChannel, type TokenServer } from './support.js'

const open: { close(): void }[] = []
afterEach(() =>
  open
    .splice(0)
    .reverse()
    .forEach((each) => each.close()),
)

function kept<Thing extends { close(): void }>(thing: Thing): Thing {
  open.push(thing)
  return thing
}

async function servers(count: number): Promise<TokenServer[]> {
  return (await Promise.all(Array.from({ length: count }, () => startTokenServer()))).map(kept)
}

const show = (
  lb: TestBalancer,
  at: readonly TokenServer[],
  options?: ViewOptions,
  rest: Partial<ServedEndpoint>[] = [],
) =>
  lb.directory.show(
    serviceView(
      'web',
      at.map(({ address }, i) => served(address, rest[i])),
      options,
    ),
  )

/** Nothing listens there. */
const NOWHERE = 'ipv4:127.0.0.1:1'
const channelTo = (lb: TestBalancer, own = NOWHERE, ...rest: [options?: object, config?: object]) =>
  kept(new TestChannel(own, lookaside([lb.address], 'web', ...rest)))

describe('a channel that asks a balancer', () => {
  it('calls the servers of the list, by their weights, with their tokens', async () => {
    const lb = kept(await startBalancer())
    const [a, b, c] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
    show(lb, [a, b, c], {}, [{ weight: 1 }, { weight: 2 }, { weight: 6, id: 'third' }])
    const channel = channelTo(lb)
    await connected(channel, [a, b, c])
    for (const { tokens } of [a, b, c]) tokens.length = 0
    const spread = await channel.spread(900)
    expect([a, b, c].map(({ address }) => spread.get(address))).toEqual([100, 200, 600])
    expect(new Set(a.tokens)).toEqual(new Set([`web/${a.address}`]))
    expect(new Set(c.tokens)).toEqual(new Set(['web/third']))
  })

  it('waits before the first list and while the list is empty', async () => {
    const lb = kept(await startBalancer())
    const [a] = (await servers(1)) as [TokenServer]
    const channel = channelTo(lb)
    const early = channel.call()
    await eventually(() => lb.directory.followers('web') === 1)
    show(lb, [a])
    expect(await early).toBe(a.address)
    show(lb, [])
    await eventually(
      async () => (await channel.call(200).catch((error: ServiceError) => error.code)) === status.DEADLINE_EXCEEDED,
    )
    const waiting = channel.call()
    show(lb, [a])
    expect(await waiting).toBe(a.address)
  })

  it('fails no call while lists change', async () => {
    const lb = kept(await startBalancer())
    const all = await servers(6)
    show(lb, all.slice(0, 2))
    const channel = channelTo(lb)
    let done = false
    const failures: unknown[] = []
    let answered = 0
    const callers = Array.from({ length: 8 }, async () => {
      while (!done)
        await channel.call().then(
          () => answered++,
          (error) => failures.push(error),
        )
    })
    for (let change = 0; change < 60; change++) {
      show(
        lb,
        all.filter((_, i) => (change + i) % 3 !== 0 || i === change % 6),
      )
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const last = [all[5]!]
    show(lb, last)
    await eventually(async () => (await channel.spread(20)).size === 1)
    done = true
    await Promise.all(callers)
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(100)
    expect(await channel.call()).toBe(all[5]!.address)
  })

  it('keeps its connections over lists that have the same servers', async () => {
    const lb = kept(await startBalancer())
    const [a, b] = (await servers(2)) as [TokenServer, TokenServer]
    show(lb, [a, b])
    const channel = channelTo(lb)
    await connected(channel, [a, b])
    const connections = [...a.peers, ...b.peers]
    for (let weight = 1; weight <= 10; weight++) {
      show(lb, [a, b], {}, [{ weight }, { weight: 11 - weight }])
      await channel.spread(5)
    }
    expect([...a.peers, ...b.peers]).toEqual(connections)
  })

  it('drops the share of calls that the list says, which is never tried again', async () => {
    const lb = kept(await startBalancer({ reportIntervalMs: 1000 }))
    const [a] = (await servers(1)) as [TokenServer]
    const retryPolicy = {
      ...{ maxAttempts: 3, initialBackoff: '0.01s', maxBackoff: '0.01s', backoffMultiplier: 1 },
      retryableStatusCodes: ['UNAVAILABLE'],
    }
    show(lb, [a], { serviceConfig: { loadBalancingConfig: [{ grpclb: { dropPercent: 25 } }] } })
    const config = {
      loadBalancingConfig: [{ grpclb: { serviceName: 'web' } }],
      methodConfig: [{ name: [{}], retryPolicy }],
    }
    const channel = channelTo(lb, NOWHERE, { 'grpc.service_config': JSON.stringify(config) })
    const results = []
    for (let i = 0; i < 100; i++) results.push(await channel.call().catch((error: ServiceError) => error))
    const dropped = results.filter((result) => typeof result !== 'string')
    expect(dropped).toHaveLength(25)
    expect(dropped[0]).toMatchObject({ code: status.UNAVAILABLE, details: 'call dropped by the lookaside balancer' })
    await eventually(() => lb.reported.started === 100)
    expect(lb.reported).toEqual({
      started: 100,
      finished: 100,
      failedToSend: 0,
      knownReceived: 75,
      dropped: 25,
    })
  })

  it('reports what a server answered with an error as received', async () => {
    const lb = kept(await startBalancer({ reportIntervalMs: 1000 }))
    const [a] = (await servers(1)) as [TokenServer]
    show(lb, [a])
    const channel = channelTo(lb)
    await channel.call()
    await expect(channel.call(1000, '/test.Tokens/Unknown')).rejects.toMatchObject({ code: status.UNIMPLEMENTED })
    await eventually(() => lb.reported.finished === 2)
    expect(lb.reported).toMatchObject({ started: 2, knownReceived: 2, failedToSend: 0 })
  })

  it('uses the first server only where its child policy says so', async () => {
    const lb = kept(await startBalancer())
    const all = await servers(3)
    show(lb, all, { serviceConfig: { loadBalancingConfig: [{ pick_first: {} }] } })
    const channel = channelTo(lb, NOWHERE, {}, { childPolicy: [{ pick_first: {} }] })
    const spread = await channel.spread(30)
    const first = all.map(({ address }) => address).sort()[0]!
    expect([...spread]).toEqual([[first, 30]])
    expect(all.find(({ address }) => address === first)!.tokens[0]).toBe(`web/${first}`)
    all.find(({ address }) => address === first)!.close()
    await eventually(async () => (await channel.call().catch(() => first)) !== first)
    // The list moves on to servers without the one that is connected.
    const rest = all.filter(({ address }) => address !== first)
    show(lb, [rest.at(-1)!], { serviceConfig: { loadBalancingConfig: [{ pick_first: {} }] } })
    await eventually(async () => (await channel.call()) === rest.at(-1)!.address)
  })
})

describe('falling back', () => {
  const ownOf = (...own: readonly TokenServer[]) => `ipv4:${own.map(({ address }) => address).join(',')}`

  it('is to the channel’s own addresses, without tokens, when no list comes in time', async () => {
    const lb = kept(await startBalancer())
    const [own, listed] = (await servers(2)) as [TokenServer, TokenServer]
    const channel = channelTo(lb, ownOf(own), { 'grpc.grpclb_fallback_timeout_ms': 200 })
    expect(await channel.call()).toBe(own.address)
    expect(own.tokens).toEqual([''])
    show(lb, [listed])
    await eventually(async () => (await channel.call()) === listed.address)
    expect(listed.tokens[0]).toBe(`web/${listed.address}`)
  })

  it('is at once when no balancer can be reached', async () => {
    const [own] = (await servers(1)) as [TokenServer]
    const channel = kept(new TestChannel(ownOf(own), lookaside(['127.0.0.1:1'], 'web')))
    expect(await channel.call(5000)).toBe(own.address)
  })

  it('is at once when there is no balancer at all', async () => {
    const own = await servers(2)
    const channel = kept(new TestChannel(ownOf(...own), lookaside([], 'web')))
    await connected(channel, own)
    expect([...(await channel.spread(10)).values()]).toEqual([5, 5])
  })

  it('fails calls clearly where there is nothing to fall back to', async () => {
    const channel = kept(new TestChannel(NOWHERE, lookaside(['127.0.0.1:1'], 'web')))
    await expect(channel.call(5000)).rejects.toMatchObject({ code: status.UNAVAILABLE })
  })

  it('comes when the balancer is lost and no server of the list is connected, and ends when it is back', async () => {
    const lb = kept(await startBalancer())
    const [own, first, second] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
    show(lb, [first])
    const channel = channelTo(lb, ownOf(own), QUICK)
    expect(await channel.call()).toBe(first.address)
    lb.close()
    for (let i = 0; i < 20; i++) expect(await channel.call()).toBe(first.address)
    first.close()
    await eventually(async () => (await channel.call().catch(() => '')) === own.address)
    const again = kept(await startBalancer({ port: lb.port, directory: lb.directory }))
    show(again, [second])
    await eventually(async () => (await channel.call()) === second.address)
  })
})

/** Backoffs of a test's patience. */
const QUICK = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 200 }

describe('a balancer that restarts', () => {
  it('fails no call, and is listened to again', async () => {
    const lb = kept(await startBalancer())
    const [a, b] = (await servers(2)) as [TokenServer, TokenServer]
    show(lb, [a])
    const channel = channelTo(lb, NOWHERE, QUICK)
    expect(await channel.call()).toBe(a.address)
    lb.close()
    for (let i = 0; i < 50; i++) expect(await channel.call()).toBe(a.address)
    const again = kept(await startBalancer({ port: lb.port, directory: lb.directory }))
    await eventually(() => again.directory.followers('web') === 1)
    show(again, [b])
    await eventually(async () => (await channel.call()) === b.address)
  })

  it('is replaced by another one that the channel knows of', async () => {
    const [first, second] = [kept(await startBalancer()), kept(await startBalancer())]
    const [a, b] = (await servers(2)) as [TokenServer, TokenServer]
    show(first, [a])
    show(second, [b])
    const channel = kept(new TestChannel(NOWHERE, lookaside([first.address, second.address], 'web', QUICK)))
    expect(await channel.call()).toBe(a.address)
    expect(second.directory.followers('web')).toBe(0)
    first.close()
    await eventually(async () => (await channel.call()) === b.address)
  })
})

describe('closing a channel', () => {
  it('ends its stream and leaves nothing', async () => {
    const lb = kept(await startBalancer())
    const [a] = (await servers(1)) as [TokenServer]
    show(lb, [a])
    const channel = channelTo(lb)
    await channel.call()
    channel.close()
    await eventually(() => lb.directory.followers('web') === 0)
    expect(lb.events.map(({ event }) => event)).toEqual(['joined', 'left'])
  })
})

/** Waits until the channel has called all of them. */
async function connected(channel: TestChannel, all: readonly TokenServer[]): Promise<void> {
  const seen = new Set<string>()
  await eventually(async () => seen.add(await channel.call()).size === all.length)
}
