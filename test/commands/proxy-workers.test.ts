import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { startRegistry } from '../../src/testing.js'
import { cleanUp, cleanup, dial, readSome, startEcho, startNamed } from '../proxy/support.js'
import { type RunningCli, run, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { freePort } from '../support/real-etcd.js'

afterEach(cleanUp)

/** The processes that a process started. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

function isAlive(pid: number): boolean {
  try {
    // A process that nobody has waited for yet is a zombie, and over.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function startShared(targets: string[], ...flags: string[]) {
  const cli = start(['proxy', ...targets, '--workers', '2', '-o', 'ndjson', ...flags])
  await cli.waitForLine(/^\{/)
  await eventually(() => listens(cli).length === targets.length)
  return { cli, listens: listens(cli), workers: childrenOf(cli.pid) }
}

const events = (cli: RunningCli) =>
  cli.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { event: string; listen: string })
const listens = (cli: RunningCli) => events(cli).flatMap(({ event, listen }) => (event === 'listening' ? [listen] : []))

/** A server that answers every request with its name. */
async function startHttp(name: string): Promise<string> {
  const server = createServer((_, response) => response.end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => server.closeAllConnections())
  cleanup(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The body of one request on a connection of its own. */
function fetchOnce(listen: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port: /:(\d+)$/.exec(listen)![1], headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve(body))
    })
    request.on('error', reject)
  })
}

describe('fairlead proxy --workers', () => {
  it('shares listeners of every kind, ports the system chose too, and tells of each once', async () => {
    const [http, tcp] = [await startHttp('h'), await startNamed('t')]
    const { cli, listens, workers } = await startShared([`http://:0=${http}`, `tcp://:0=${tcp.address}`])
    expect(workers).toHaveLength(2)
    expect(listens.map((listen) => /^(\w+):\/\/127\.0\.0\.1:[1-9]/.exec(listen)?.[1])).toEqual(['http', 'tcp'])
    for (let i = 0; i < 6; i++) {
      expect(await fetchOnce(listens[0]!)).toBe('h')
      expect(await readSome(await dial(listens[1]!))).toBe('t\n')
    }
    expect(events(cli).filter(({ event }) => event === 'listening')).toHaveLength(2)
  })

  it('serves on while a worker is down, and starts another', async () => {
    const { cli, listens, workers } = await startShared([`http://:0=${await startHttp('h')}`])
    process.kill(workers[0]!, 'SIGKILL')
    await cli.waitForLine(/^worker_exited \d: SIGKILL; starting another in \d+ ms$/)
    for (let i = 0; i < 5; i++) expect(await fetchOnce(listens[0]!)).toBe('h')
    await cli.waitForLine(/^worker_started/)
    await eventually(() => childrenOf(cli.pid).length === 2)
    for (let i = 0; i < 5; i++) expect(await fetchOnce(listens[0]!)).toBe('h')
    expect(events(cli).filter(({ event }) => event === 'listening')).toHaveLength(1)
  })

  it('lets connections of every worker finish at SIGTERM, though the workers get it too', async () => {
    const echo = await startEcho()
    const { cli, listens, workers } = await startShared([`http://:0=${echo.address}`, `tcp://:0=${echo.address}`])
    const clients = await Promise.all([1, 2, 3, 4].map(() => dial(listens[1]!)))
    for (const client of clients) {
      client.write('x')
      await readSome(client)
    }
    for (const pid of [cli.pid, ...workers]) process.kill(pid, 'SIGTERM')
    await cli.waitForLine(/^draining 4 connections$/)
    await expect(dial(listens[1]!)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    for (const client of clients) {
      client.write('still')
      expect(await readSome(client)).toBe('still')
      client.end()
    }
    expect(await cli.ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^stopped$/m) as string })
    await eventually(() => workers.every((pid) => !isAlive(pid)))
  })

  it.each([['a second SIGTERM', 'SIGTERM', 143] as const, ['the end of the primary', 'SIGKILL', null] as const])(
    'leaves no worker after %s',
    async (_, signal, code) => {
      const echo = await startEcho()
      const { cli, listens, workers } = await startShared([`tcp://:0=${echo.address}`])
      const client = await dial(listens[0]!)
      client.write('x')
      await readSome(client)
      cli.signal('SIGTERM')
      await cli.waitForLine(/^draining/)
      cli.signal(signal)
      expect((await cli.ended).code).toBe(code)
      await eventually(() => workers.every((pid) => !isAlive(pid)))
    },
  )

  it('follows the registry in every worker', async () => {
    const registry = await startRegistry()
    cleanup(() => registry.close())
    const store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
    cleanup(() => store.close())
    const { cli, listens } = await startShared(['http://:0=web'], '--endpoints', registry.endpoint)
    const put = (address: string) => store.txn({ then: [{ type: 'put', key: `/ns/web/${address}`, value: '' }] })
    await put(await startHttp('a'))
    await cli.waitForLine(/^endpoints .*\(1 endpoint,/)
    await eventually(async () => {
      for (let i = 0; i < 6; i++) expect(await fetchOnce(listens[0]!)).toBe('a')
    })
    await put(await startHttp('b'))
    await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => fetchOnce(listens[0]!)))
      expect(new Set(answers)).toEqual(new Set(['a', 'b']))
    })
  })

  it('keeps a client with its endpoint whichever worker it comes to', async () => {
    const target = `${await startHttp('a')},${await startHttp('b')}`
    const { listens } = await startShared([`http://:0=${target}`], '--sticky=sid', '--policy', 'random')
    const response = await fetch(listens[0]!)
    const cookie = /^sid=[^;]+/.exec(response.headers.get('set-cookie')!)![0]
    const body = await response.text()
    for (let i = 0; i < 12; i++) expect(await fetchOnce(listens[0]!, { cookie })).toBe(body)
  })

  it('goes by the file as it is at SIGHUP in every worker, without dropping a connection', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fairlead-workers-'))
    cleanup(() => rm(directory, { recursive: true }))
    const file = join(directory, 'fairlead.json')
    const [echo, a, b] = [await startEcho(), await startHttp('a'), await startHttp('b')]
    const [first, second] = [await freePort(), await freePort()]
    const write = (listen: object) => writeFile(file, JSON.stringify({ proxy: { listen, workers: 2 } }))
    await write({ [`tcp://:${first}`]: echo.address, [`http://:${second}`]: a })
    const cli = start(['proxy', '--config', file, '--drain-timeout', '1s'])
    await eventually(() => cli.stderr.match(/^listening/gm)?.length === 2)
    const client = await dial(first)
    client.write('x')
    await readSome(client)
    await write({ [`tcp://:${first}`]: echo.address, [`http://:${second}`]: b })
    cli.signal('SIGHUP')
    await cli.waitForLine(/^reloaded, 2 listeners$/)
    for (let i = 0; i < 6; i++) expect(await fetchOnce(`:${second}`)).toBe('b')
    client.write('still')
    expect(await readSome(client)).toBe('still')
    await writeFile(file, 'proxy: {')
    cli.signal('SIGHUP')
    await cli.waitForLine(/^reload_failed: config .*; going on as before$/)
    expect(await fetchOnce(`:${second}`)).toBe('b')
  })

  it('says what to do about a port in use', async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    cleanup(() => taken.close())
    const { port } = taken.address() as AddressInfo
    const result = await run(['proxy', `${port}=127.0.0.1:1`, '--workers', '2'])
    expect(result.code).toBe(1)
    expect(result.stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} is already in use\nhint: `))
  })
})
