import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ServedEndpoint } from '../../src/core/control-plane/directory/contract.js'
import { connect } from '../../src/index.js'
import { startRegistry } from '../../src/testing.js'
import { startBalancer, type TestBalancer } from '../control-plane/grpclb/support.js'
import { served, serviceView } from '../control-plane/support/fake-directory.js'
import { startTokenServer, type TokenServer } from '../grpc/grpclb/support.js'
import { start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'

const MODULE = fileURLToPath(new URL('go-grpclb', import.meta.url))

/** The first build fetches and compiles the client. */
const BUILD_TIMEOUT_MS = 600_000

interface Report {
  /** Answers by the servers' addresses. */
  readonly counts: Readonly<Record<string, number>>
  /** Failures by what they say. */
  readonly errors: Readonly<Record<string, number>>
}

/** A client of grpc-go with its policy grpclb, in a process of its own. */
class GoClient {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(program: string, balancer: string, fallback: readonly string[] = []) {
    this.#child = spawn(program, [balancer, 'web', ...fallback], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdin!.on('error', () => undefined)
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  call(count: number): Promise<Report> {
    return this.#ask(`call ${count}`)
  }

  /** Begins to call without pause. */
  start(): void {
    this.#child.stdin!.write('start\n')
  }

  stop(): Promise<Report> {
    return this.#ask('stop')
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.stdin!.end()
    this.#child.kill('SIGKILL')
    await ended
  }

  async #ask(command: string): Promise<Report> {
    this.#child.stdin!.write(`${command}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the client has ended')
    return JSON.parse(value) as Report
  }
}

describeWithPeers(['go'], 'a client of grpc-go with its policy grpclb', () => {
  let directory: string
  const open: { close(): unknown }[] = []
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairlead-go-grpclb-'))
    const build = ['build', '-o', join(directory, 'client'), '.']
    await promisify(execFile)('go', build, { cwd: MODULE, timeout: BUILD_TIMEOUT_MS })
  }, BUILD_TIMEOUT_MS)
  afterAll(() => rm(directory, { recursive: true, force: true }))
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close()
  })

  function kept<Thing extends { close(): unknown }>(thing: Thing): Thing {
    open.push(thing)
    return thing
  }
  const client = (balancer: string, ...fallback: string[]) =>
    kept(new GoClient(join(directory, 'client'), balancer, fallback))
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
  /** Calls until all of them, and no others, answer. */
  const settle = (calling: GoClient, all: readonly TokenServer[]) =>
    eventually(async () => {
      const { counts } = await calling.call(3 * all.length)
      return (
        Object.keys(counts).sort().join() ===
        all
          .map(({ address }) => address)
          .sort()
          .join()
      )
    })

  describe('of a balancer of the library', () => {
    it('calls the servers of the list by their weights, with their tokens', async () => {
      const lb = kept(await startBalancer())
      const [a, b, c] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
      show(lb, [a, b, c], [{ weight: 10 }, { weight: 20 }, { weight: 60, id: 'third' }])
      const calling = client(lb.address)
      await settle(calling, [a, b, c])
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
      await settle(calling, all.slice(0, 2))
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
      await settle(calling, [all[4]!])
    })

    it('waits for a service that nobody has registered yet', async () => {
      const lb = kept(await startBalancer())
      const [a] = (await servers(1)) as [TokenServer]
      lb.directory.show(serviceView('web', [], { exists: false }))
      const calling = client(lb.address)
      const waiting = calling.call(1)
      await eventually(() => lb.directory.followers('web') === 1)
      show(lb, [a])
      expect(await waiting).toEqual({ counts: { [a.address]: 1 }, errors: {} })
    })

    it('drops the share of calls that the service config says, and reports its load', async () => {
      const lb = kept(await startBalancer({ reportIntervalMs: 1000 }))
      const [a] = (await servers(1)) as [TokenServer]
      show(lb, [a], [], { loadBalancingConfig: [{ grpclb: { dropPercent: 20 } }] })
      const calling = client(lb.address)
      const { counts, errors } = await calling.call(100)
      expect(counts).toEqual({ [a.address]: 80 })
      expect(errors).toEqual({ 'request dropped by grpclb': 20 })
      await eventually(() => lb.service.loads()[0]!.total.finished === 100)
      expect(lb.service.loads()[0]!.total).toEqual({
        ...{ started: 100, finished: 100, failedToSend: 0, knownReceived: 80, dropped: 20 },
      })
      expect(lb.directory.reported.reduce((sum, { requests }) => sum + requests, 0)).toBe(100)
    })

    it('goes on without the balancer, falls back when its servers go too, and comes back to it', async () => {
      const lb = kept(await startBalancer())
      const [own, listed, later] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
      show(lb, [listed])
      const calling = client(lb.address, own.address)
      await settle(calling, [listed])
      lb.close()
      expect(await calling.call(50)).toEqual({ counts: { [listed.address]: 50 }, errors: {} })
      listed.close()
      await settle(calling, [own])
      expect(new Set(own.tokens)).toEqual(new Set(['']))
      const again = kept(await startBalancer({ port: lb.port, directory: lb.directory }))
      show(again, [later])
      await settle(calling, [later])
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
    await settle(calling, [a, b])
    const { counts } = await calling.call(100)
    expect(counts).toEqual({ [a.address]: 25, [b.address]: 75 })
    await fairlead.setEndpoint('web', b.address, { state: 'drain' })
    await settle(calling, [a])
    await fairlead.setEndpoint('web', b.address, { state: 'ready' })
    await settle(calling, [a, b])
    await registrations[0]!.close()
    await settle(calling, [b])
    await cli.waitForLine(/"event":"load".*"service":"web"/)
  })
})
