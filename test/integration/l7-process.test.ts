import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, get } from 'node:http'
import { type ClientHttp2Session, connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, cleanup } from '../proxy/support.js'
import { type RunningCli, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'
import { freePort } from '../support/real-etcd.js'

afterEach(cleanUp)

const execute = promisify(execFile)

interface Backend {
  readonly address: string
  /** Requests that are not answered yet, where the backend was told to wait. */
  readonly waiting: (() => void)[]
}

/** An HTTP/1.1 or HTTP/2 server that answers at once, or when told to where the path is /wait. */
async function startBackend(protocol: 'h1' | 'h2'): Promise<Backend> {
  const waiting: (() => void)[] = []
  const answer = (path: string | undefined, end: () => void) => void (path === '/wait' ? waiting.push(end) : end())
  const server =
    protocol === 'h1'
      ? createServer((request, response) => answer(request.url, () => response.end('answer')))
      : createHttp2Server((request, response) => answer(request.url, () => response.end('answer')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => void server.close())
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, waiting }
}

async function startConfigured(workers: number, backend: Backend) {
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-l7-'))
  cleanup(() => rm(directory, { recursive: true }))
  const file = join(directory, 'fairlead.json')
  const port = await freePort()
  const write = (rest: object = {}) =>
    writeFile(file, JSON.stringify({ proxy: { listen: [`http://:${port}=${backend.address}`], workers, ...rest } }))
  await write()
  const cli = start(['proxy', '--config', file])
  await cli.waitForLine(/^listening/)
  return { cli, port, write }
}

const reloads = (cli: RunningCli) => cli.stderr.match(/^reloaded/gm)?.length ?? 0

/** Changes policy and time limits again and again while `load` goes on. */
async function reloadDuring<T>(load: Promise<T>, { cli, write }: Awaited<ReturnType<typeof startConfigured>>) {
  let over = false
  const result = load.finally(() => (over = true))
  for (let round = 0; !over; round++) {
    const before = reloads(cli)
    await write({ 'policy': round % 2 ? 'random' : 'least_request', 'request-timeout': `${60 + (round % 5)}s` })
    cli.signal('SIGHUP')
    await eventually(() => reloads(cli) > before)
  }
  return result
}

describe.each([1, 2])('a proxy of %i processes', (workers) => {
  describeWithPeers(['wrk', 'h2load'], 'that rereads its configuration under load', () => {
    it('fails no HTTP/1.1 request', async () => {
      const proxy = await startConfigured(workers, await startBackend('h1'))
      const load = execute('wrk', ['-d', '2', '-c', '16', '-t', '1', `http://127.0.0.1:${proxy.port}/`])
      const { stdout } = await reloadDuring(load, proxy)
      expect(stdout).toMatch(/[1-9]\d* requests in/)
      expect(stdout).not.toMatch(/Socket errors|Non-2xx/)
      expect(reloads(proxy.cli)).toBeGreaterThan(1)
      expect(proxy.cli.stderr).not.toMatch(/reload_failed|broken_off/)
    })

    it('fails no HTTP/2 request', async () => {
      const proxy = await startConfigured(workers, await startBackend('h2'))
      const load = execute('h2load', ['-n', '5000', '-c', '4', '-m', '10', `http://127.0.0.1:${proxy.port}/`])
      const { stdout } = await reloadDuring(load, proxy)
      expect(stdout).toMatch(/5000 succeeded, 0 failed, 0 errored, 0 timeout/)
      expect(stdout).toMatch(/status codes: 5000 2xx/)
      expect(reloads(proxy.cli)).toBeGreaterThan(0)
    })
  })

  it('answers requests that are under way while their address goes to another target', async () => {
    const [backend, next] = [await startBackend('h2'), await startBackend('h2')]
    const { cli, port, write } = await startConfigured(workers, backend)
    const session = openSession(port)
    const answers = Array.from({ length: 20 }, () => ask(session, '/wait'))
    await eventually(() => backend.waiting.length === 20)
    await write({ listen: [`http://:${port}=${next.address}`] })
    cli.signal('SIGHUP')
    await cli.waitForLine(/^reloaded/)
    const later = ask(openSession(port), '/wait')
    await eventually(() => next.waiting.length === 1)
    for (const end of [...backend.waiting, ...next.waiting]) end()
    expect(await Promise.all([...answers, later])).toEqual(Array.from({ length: 21 }, () => 'answer'))
    expect(backend.waiting).toHaveLength(20)
  })

  it('answers every request that is under way at SIGTERM, and tells HTTP/2 clients to go', async () => {
    const backend = await startBackend('h2')
    const { cli, port } = await startConfigured(workers, backend)
    const sessions = [openSession(port), openSession(port)]
    const goaways = sessions.map((session) => once(session, 'goaway'))
    const answers = sessions.flatMap((session) => Array.from({ length: 20 }, () => ask(session, '/wait')))
    await eventually(() => backend.waiting.length === 40)
    cli.signal('SIGTERM')
    await Promise.all(goaways)
    for (const end of backend.waiting) end()
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 40 }, () => 'answer'))
    expect((await cli.ended).code).toBe(0)
  })

  it('answers HTTP/1.1 requests that are under way at SIGTERM, and closes their connections', async () => {
    const backend = await startBackend('h1')
    const { cli, port } = await startConfigured(workers, backend)
    const agent = new Agent({ keepAlive: true })
    cleanup(() => agent.destroy())
    const answers = Array.from({ length: 10 }, () => getOnce(port, agent))
    await eventually(() => backend.waiting.length === 10)
    cli.signal('SIGTERM')
    await cli.waitForLine(/^draining 10 connections$/)
    for (const end of backend.waiting) end()
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 10 }, () => ['answer', 'close']))
    expect((await cli.ended).code).toBe(0)
  })
})

function openSession(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`)
  cleanup(() => session.destroy())
  session.on('error', () => undefined)
  return session
}

/** The body of a request, or what went wrong. */
function ask(session: ClientHttp2Session, path: string): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': path })
    let body = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    stream.on('end', () => resolve(body))
    stream.on('error', (error) => resolve(error.message))
  })
}

/** The body and the connection header of a request. */
function getOnce(port: number, agent: Agent): Promise<[string, string | undefined]> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/wait', agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve([body, response.headers.connection]))
    })
    request.on('error', reject)
  })
}
