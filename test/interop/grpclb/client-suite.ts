import { afterEach, describe, expect, it } from 'vitest'
import type { ServedEndpoint } from '../../../src/core/control-plane/directory/contract.js'
import { connect } from '../../../src/index.js'
import { startRegistry } from '../../../src/testing.js'
import { startBalancer, type TestBalancer } from '../../control-plane/grpclb/support.js'
import { served, serviceView } from '../../control-plane/support/fake-directory.js'
import { startTokenServer, type TokenServer } from '../../grpc/grpclb/support.js'
import { start } from '../../support/cli.js'
import { eventually } from '../../support/eventually.js'
import { CommandedClient } from './commanded-client.js'

export interface Sayings {
  /** What the client says of a call that it dropped because the balancer wants so. */
  readonly dropped: string
  /** What it says of a call to a service without servers. Undefined: such a call waits for one. */
  readonly noServers?: string
}

/**
 * What every gRPC client that knows grpclb does with a balancer of ours.
 *
 * @param program a client: what to run, and its arguments before BALANCER SERVICE [FALLBACK…]
 */
export function grpclbClientSuite(program: () => readonly string[], { dropped, noServers }: Sayings): void {
  const open: { close(): unknown }[] = []
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close()
  })

  function kept<Thing extends { close(): unknown }>(thing: Thing): Thing {
    open.push(thing)
    return thing
  }
  const client = (balancer: string, ...fallback: string[]) =>
    kept(new CommandedClient([...program(), balancer, 'web', ...fallback]))
  const servers = async (count: number): Promise<TokenServer[]> =>
    (await Promise.all(Array.from({ length: count }, () => startTokenServer()))).map(kept)
  const show = (
    lb: TestBalancer,
    at: readonly TokenServer[],
    rest: Partial<ServedEndpoint>[] = [],
    serviceConfig?: object,
  ) =>
    lb.directory.show(
      serviceView(
        'web',
        at.map(({ address }, i) => served(address, rest[i])),
        serviceConfig && { serviceConfig: serviceConfig as never },
      ),
    )

  describe('of a balancer of the library', () => {
    it('calls the servers of the list by their weights, with their tokens', async () => {
      const lb = kept(await startBalancer())
      const [a, b, c] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
      show(lb, [a, b, c], [{ weight: 10 }, { weight: 20 }, { weight: 60, id: 'third' }])
      const calling = client(lb.address)
      await calling.settle([a, b, c])
      const { counts, errors } = await calling.call(900)
      expect(errors).toEqual({})
      expect([a, b, c].map(({ address }) => counts[address])).toEqual([100, 200, 600])
      expect(new Set(a.tokens)).toEqual(new Set([`web/${a.address}`]))
      expect(new Set(c.tokens)).toEqual(new Set(['web/third']))
    })

    it('follows the list without a failed call', async () => {
      const lb = kept(await startBalancer())
      const all = await servers(5)
      show(lb, all.slice(0, 2))
      const calling = client(lb.address)
      await calling.settle(all.slice(0, 2))
      calling.start()
      for (let change = 0; change < 40; change++) {
        show(
          lb,
          all.filter((_, i) => (change + i) % 5 < 3),
        )
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      const { counts, errors } = await calling.stop()
      expect(errors).toEqual({})
      expect(Object.keys(counts)).toHaveLength(5)
      show(lb, [all[4]!])
      await calling.settle([all[4]!])
    })

    it('finds a service that is registered after it asked', async () => {
      const lb = kept(await startBalancer())
      const [a] = (await servers(1)) as [TokenServer]
      lb.directory.show(serviceView('web', [], { exists: false }))
      const calling = client(lb.address)
      const early = calling.call(1)
      await eventually(() => lb.directory.followers('web') === 1)
      if (noServers !== undefined) expect(await early).toEqual({ counts: {}, errors: { [noServers]: 1 } })
      show(lb, [a])
      if (noServers === undefined) expect(await early).toEqual({ counts: { [a.address]: 1 }, errors: {} })
      await calling.settle([a])
    })

    it('drops the share of calls that the service config says, and reports its load', async () => {
      const lb = kept(await startBalancer({ reportIntervalMs: 1000 }))
      const [a] = (await servers(1)) as [TokenServer]
      show(lb, [a], [], { loadBalancingConfig: [{ grpclb: { dropPercent: 20 } }] })
      const calling = client(lb.address)
      const { counts, errors } = await calling.call(100)
      expect(counts).toEqual({ [a.address]: 80 })
      expect(errors).toEqual({ [dropped]: 20 })
      await eventually(() => lb.reported.finished === 100)
      expect(lb.reported).toEqual({
        ...{ started: 100, finished: 100, failedToSend: 0, knownReceived: 80, dropped: 20 },
      })
      expect(lb.directory.reported.reduce((sum, { requests }) => sum + requests, 0)).toBe(100)
    })

    it('goes on without the balancer, falls back when its servers go too, and comes back to it', async () => {
      const lb = kept(await startBalancer())
      const [own, listed, later] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
      show(lb, [listed])
      const calling = client(lb.address, own.address)
      await calling.settle([listed])
      lb.close()
      expect(await calling.call(50)).toEqual({ counts: { [listed.address]: 50 }, errors: {} })
      listed.close()
      await calling.settle([own])
      expect(new Set(own.tokens)).toEqual(new Set(['']))
      const again = kept(await startBalancer({ port: lb.port, directory: lb.directory }))
      show(again, [later])
      await calling.settle([later])
    })
  })

  it('of `fairlead serve` follows the registry', async () => {
    const registry = kept(await startRegistry())
    const fairlead = kept(await connect({ endpoints: [registry.endpoint] }))
    const args = ['--endpoints', registry.endpoint, '-o', 'ndjson', '--report-interval', '1s']
    const cli = start(['serve', '--grpclb', '0', ...args])
    const { listen } = JSON.parse(await cli.waitForLine(/"listening"/)) as { listen: string }
    const [a, b] = (await servers(2)) as [TokenServer, TokenServer]
    const registrations = [
      await fairlead.register('web', a.address),
      await fairlead.register('web', b.address, { weight: 3 }),
    ]
    const calling = client(listen.replace('grpclb://', ''))
    await calling.settle([a, b])
    const { counts } = await calling.call(100)
    expect(counts).toEqual({ [a.address]: 25, [b.address]: 75 })
    await fairlead.setEndpoint('web', b.address, { state: 'drain' })
    await calling.settle([a])
    await fairlead.setEndpoint('web', b.address, { state: 'ready' })
    await calling.settle([a, b])
    await registrations[0]!.close()
    await calling.settle([b])
    await cli.waitForLine(/"event":"load".*"service":"web"/)
  })
}
