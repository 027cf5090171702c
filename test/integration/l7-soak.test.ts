import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/index.js'
import { startRegistry } from '../../src/testing.js'
import { cleanUp, cleanup } from '../proxy/support.js'
import { launch } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { GrpcPeerClient, type Seen, startGrpcPeer } from '../support/grpc-peer.js'
import { openFiles, residentBytes } from '../support/process-figures.js'

afterEach(cleanUp)

/** How long the load runs. FAIRLEAD_SOAK_SECONDS=600 is what a release should pass. */
const SECONDS = Number(process.env.FAIRLEAD_SOAK_SECONDS ?? 12)
const SPARE_BYTES = 24 << 20

/** An HTTP/1.1 server on a port of its own. */
async function startHttp1(): Promise<string> {
  const server = createServer((incoming, answer) => {
    incoming.resume().on('end', () => answer.end(`you asked for ${incoming.url}`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Calls, streams, cancelled calls and requests over and over, until stopped. `failures` collects what went wrong. */
class Load {
  readonly failures: string[] = []
  readonly #client: GrpcPeerClient
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 })
  readonly #httpPort: number
  #running = false

  constructor(grpcPort: number, httpPort: number) {
    this.#client = new GrpcPeerClient(`127.0.0.1:${grpcPort}`, { 'grpc.enable_retries': 0 })
    this.#httpPort = httpPort
  }

  async for(seconds: number, meanwhile: () => Promise<void> = () => pause(50)): Promise<void> {
    this.#running = true
    const repeat = async (step: () => Promise<void>) => {
      while (this.#running) await step()
    }
    const steps = [
      () => this.#call(),
      () => this.#call(),
      () => this.#stream(),
      () => this.#cancel(),
      () => this.#get(),
      meanwhile,
    ]
    const working = steps.map(repeat)
    await pause(seconds * 1000)
    this.#running = false
    await Promise.all(working)
  }

  close(): void {
    this.#client.close()
    this.#agent.destroy()
  }

  async #call(): Promise<void> {
    this.#expect(await this.#client.unary({ bytes: 500 }, { ballast: 1000 }), status.OK, 1)
  }

  async #stream(): Promise<void> {
    this.#expect(await this.#client.down({ messages: 20, bytes: 20_000 }).seen, status.OK, 20)
  }

  async #cancel(): Promise<void> {
    const { call, seen } = this.#client.down({ messages: 50, bytes: 20_000 })
    call.once('data', () => call.cancel())
    this.#expect(await seen, status.CANCELLED)
  }

  async #get(): Promise<void> {
    const options = { port: this.#httpPort, path: '/page', agent: this.#agent }
    const code = await new Promise<number | string>((resolve) => {
      get(options, (answer) => answer.resume().on('end', () => resolve(answer.statusCode!))).on('error', (error) =>
        resolve(error.message),
      )
    })
    if (code !== 200) this.failures.push(`a request was answered ${code}`)
  }

  #expect({ code, details, messages }: Seen, wanted: number, count = messages.length): void {
    if (code !== wanted || messages.length !== count) {
      this.failures.push(`a call ended with ${code} after ${messages.length} messages: ${details}`)
    }
  }
}

describe('a proxy under mixed load, with endpoints coming and going', () => {
  it(
    'fails nothing, and neither its memory nor its handles grow',
    async () => {
      const registry = await startRegistry()
      cleanup(() => registry.close())
      const fairlead = await connect({ endpoints: [registry.endpoint] })
      cleanup(() => fairlead.close())
      const peers = await Promise.all(Array.from({ length: 4 }, () => startGrpcPeer()))
      for (const peer of peers) cleanup(() => peer.kill())
      const registrations = await Promise.all(peers.map(({ address }) => fairlead.register('calls', address)))
      for (let i = 0; i < 2; i++) await fairlead.register('pages', await startHttp1())

      const listen = ['grpc://127.0.0.1:0=calls', 'http://127.0.0.1:0=pages']
      const cli = launch(['proxy', ...listen, '--endpoints', registry.endpoint])
      cleanup(async () => {
        cli.child.kill('SIGKILL')
        await cli.ended
      })
      const portOf = async (scheme: string) =>
        Number(/:(\d+) ->/.exec(await cli.waitForLine(new RegExp(`listening ${scheme}:`)))![1])
      const load = new Load(await portOf('grpc'), await portOf('http'))
      cleanup(() => load.close())
      let turn = 0
      const comeAndGo = async () => {
        const i = turn++ % peers.length
        await registrations[i]!.close()
        await pause(60)
        registrations[i] = await fairlead.register('calls', peers[i]!.address)
        await pause(60)
      }

      await load.for(SECONDS / 3)
      const files = openFiles(cli.pid)
      await load.for(SECONDS / 3, comeAndGo)
      const halfway = residentBytes(cli.pid)
      await load.for(SECONDS / 3, comeAndGo)
      expect(load.failures).toEqual([])
      expect(turn).toBeGreaterThan(10)
      expect(residentBytes(cli.pid) - halfway).toBeLessThan(SPARE_BYTES)
      await eventually(() => openFiles(cli.pid) <= files + 4)
    },
    (SECONDS + 60) * 1000,
  )
})
