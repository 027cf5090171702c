import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LoadReport } from '../../src/demo/load-report.js'
import { freePort } from '../support/real-etcd.js'

const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')))

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', `src/demo/${program}.ts`, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  children.push(child)
  return child
}

describe('the load', () => {
  let server: Server
  afterEach(() => server.close())

  /** Runs the load for as long as `enough` says no, ends it with SIGTERM, and returns the sums of its reports. */
  async function loadUntil(enough: (failed: number, answered: number) => boolean, answer: RequestListener) {
    server = createServer(answer).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const load = run('load', ['127.0.0.1', String((server.address() as AddressInfo).port), '200'])
    const sums = { answered: 0, failed: 0, error: undefined as string | undefined, addresses: new Set<string>() }
    for await (const line of createInterface({ input: load.stdout! })) {
      const report = JSON.parse(line) as LoadReport
      for (const [address, count] of report.answers) {
        sums.addresses.add(address)
        sums.answered += count
      }
      sums.failed += report.failed
      sums.error ??= report.error
      // Once: a second signal ends it in the middle.
      if (!load.killed && enough(sums.failed, sums.answered)) load.kill('SIGTERM')
    }
    return sums
  }

  it('reports every answer, those under way at SIGTERM included', async () => {
    let received = 0
    const connections = new Set<unknown>()
    const sums = await loadUntil(
      (_failed, answered) => answered >= 50,
      (request, response) => {
        received++
        connections.add(request.socket)
        setTimeout(() => response.end('10.0.0.1:1'), 50)
      },
    )
    expect(sums).toMatchObject({ failed: 0, answered: received })
    expect([...sums.addresses]).toEqual(['10.0.0.1:1'])
    expect(connections.size).toBe(received)
  })

  it('counts a broken connection, an error status and a cut answer as failed, and says why', async () => {
    let received = 0
    const sums = await loadUntil(
      (failed) => failed >= 30,
      (_request, response) => {
        const kind = received++ % 3
        if (kind === 0) response.destroy()
        else if (kind === 1) response.writeHead(503).end('10.0.0.1:1')
        else response.writeHead(200, { 'content-length': 100 }).write('10.0.0.1:1', () => response.destroy())
      },
    )
    expect(sums).toMatchObject({ answered: 0, failed: received })
    expect(sums.error).toMatch(/socket hang up|ECONNRESET/)
  })
})

describe('a backend', () => {
  it('answers with its address, and ends with status 0 on SIGTERM', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const backend = run('backend', [], { FAIRLEAD_ADDRESS: address })
    const answer = await vi.waitFor(() => fetch(`http://${address}/`), { timeout: 20_000, interval: 50 })
    expect(await answer.text()).toBe(address)
    const exited = once(backend, 'exit')
    backend.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })

  it('waits for its port', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const address = `127.0.0.1:${(holder.address() as AddressInfo).port}`
    run('backend', [], { FAIRLEAD_ADDRESS: address })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    holder.close()
    const answer = await vi.waitFor(() => fetch(`http://${address}/`), { timeout: 20_000, interval: 50 })
    expect(await answer.text()).toBe(address)
  })

  it('ends when its parent is gone', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const script = `require('node:child_process').spawn(process.execPath, ${JSON.stringify(['--import', 'tsx', 'src/demo/backend.ts'])}, { stdio: 'ignore' }); setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['-e', script], { env: { ...process.env, FAIRLEAD_ADDRESS: address } })
    children.push(parent)
    await vi.waitFor(() => fetch(`http://${address}/`), { timeout: 20_000, interval: 50 })
    parent.kill('SIGKILL')
    await vi.waitFor(() => expect(fetch(`http://${address}/`)).rejects.toThrow(), { timeout: 20_000, interval: 100 })
  })
})
