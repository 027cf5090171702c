import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { run, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'

let folder: string
let env: Record<string, string>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
  env = { XDG_RUNTIME_DIR: folder, TMPDIR: folder }
  return () => rmSync(folder, { recursive: true })
})

async function startEndpoint(): Promise<string> {
  const server = createServer((_request, response) => response.end('hello'))
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A proxy over a fixed list of one endpoint, after one request. */
async function startProxy(...flags: string[]) {
  const endpoint = await startEndpoint()
  const cli = start(['proxy', `http://127.0.0.1:0=${endpoint}@3`, '-o', 'ndjson', ...flags], { env })
  const line = await cli.waitForLine(/"event":"listening"/)
  const { listen } = JSON.parse(line) as { readonly listen: string }
  expect(await (await fetch(listen)).text()).toBe('hello')
  // It opens its socket a moment after it listens.
  const sockets = () => readdirSync(join(folder, 'fairlead'))
  await eventually(() => sockets().some((name) => name.startsWith(`proxy-${cli.pid}-`)))
  return { cli, endpoint, listen }
}

describe('fairlead top --once', () => {
  it('finds the proxies of this user and prints what they say', async () => {
    const { endpoint, listen } = await startProxy()
    const { code, stdout } = await run(['top', '--once', '-o', 'json'], { env })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      proxies: [
        {
          admin: expect.stringMatching(/^proxy-\d+-\d+$/),
          process: { kind: 'proxy', ready: true },
          listeners: [
            { listen, source: 'static', endpoints: [{ address: endpoint, weight: 3, eligible: true, picks: 1 }] },
          ],
        },
      ],
    })
    const table = await run(['top', '--once'], { env })
    const [head, row] = table.stdout.split('\n')
    expect(head).toMatch(/^SERVICE +LISTEN +ENDPOINT +WEIGHT +SHARE +EXPECTED +\/S +OK +P50 +P95 +P99 +FLIGHT +STATE$/)
    expect(row).toMatch(new RegExp(`${listen} +${endpoint} +3 +[\\d.]+% +100% .* ready$`))
  })

  it('asks where it is told to: a port, a path', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'more-than-sixteen-characters\n')
    const { cli } = await startProxy('--admin', '127.0.0.1:0', '--admin-token-file', secret)
    const { url } = JSON.parse(await cli.waitForLine(/"event":"admin"/)) as { readonly url: string }
    const [socket] = readdirSync(join(folder, 'fairlead'))
    for (const admin of [url, new URL(url).host, join(folder, 'fairlead', socket!)]) {
      const { code, stdout } = await run(['top', admin, '--admin-token-file', secret, '--once', '-o', 'json'], { env })
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ proxies: [{ process: { ready: true } }] })
    }
  })

  it('leaves out who was found and does not answer, and says so', async () => {
    const { listen } = await startProxy()
    const { cli } = await startProxy()
    await vi.waitFor(() => expect(readdirSync(join(folder, 'fairlead'))).toHaveLength(2))
    cli.signal('SIGSTOP')
    const args = ['top', '--once', '--json', '--command-timeout', '1s']
    const { code, stdout, stderr } = await run(args, { env })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ proxies: [{ listeners: [{ listen }] }] })
    expect(stderr).toMatch(/^no admin endpoint answers at proxy-\d+-\d+: nothing came within 1 s$/m)
    const stopped = readdirSync(join(folder, 'fairlead')).find((name) => name.startsWith(`proxy-${cli.pid}-`))!
    expect((await run([...args, join(folder, 'fairlead', stopped)], { env })).code).toBe(4)
  })

  it('reads the token once for all that it asks: it may come by a pipe', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'more-than-sixteen-characters\n')
    const { cli } = await startProxy('--admin', '127.0.0.1:0', '--admin-token-file', secret)
    const { url } = JSON.parse(await cli.waitForLine(/"event":"admin"/)) as { readonly url: string }
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const asked = run(['top', url, new URL(url).host, '--admin-token-file', pipe, '--once', '--json'], { env })
    await writeFile(pipe, 'more-than-sixteen-characters\n')
    const { code, stdout } = await asked
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ proxies: [{ process: { ready: true } }, { process: { ready: true } }] })
  })

  it('says what to do where there is nothing: no proxy, no answer, no address, no terminal', async () => {
    const none = await run(['top', '--once'], { env })
    expect(none).toMatchObject({ code: 3, stdout: '' })
    expect(none.stderr).toMatch(/no proxy of this user runs[^]*hint: start one \(fairlead proxy 8080=web\)/)
    const closed = await run(['top', '127.0.0.1:1', '--once', '--json'], { env })
    expect(closed.code).toBe(4)
    expect(JSON.parse(closed.stdout)).toMatchObject({ error: { code: 'UNAVAILABLE', exit: 4 } })
    expect(await run(['top', 'web', '--once'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('fairlead top --service web'),
    })
    expect(await run(['top'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no terminal[^]*--once/),
    })
    expect(await run(['top', '-o', 'json'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('fairlead top --once -o json'),
    })
    expect(await run(['top', '127.0.0.1:1', '--service', 'web', '--once'], { env })).toMatchObject({ code: 2 })
  })

  it('checks a service of the registry without a proxy', async () => {
    const registry = start(['registry', '--listen', '127.0.0.1:0', '-o', 'ndjson'], { env })
    const { listen } = JSON.parse(await registry.waitForLine(/"event":"listening"/)) as { readonly listen: string }
    const at = ['--endpoints', listen.replace(/^\w+:\/\//, '')]
    const endpoint = await startEndpoint()
    await run(['register', 'web', endpoint, '--weight', '3', '--permanent', ...at], { env })
    await run(['register', 'web', '127.0.0.1:1', '--permanent', ...at], { env })
    const { code, stdout } = await run(['top', '--service', 'web', '--once', '-o', 'json', ...at], { env })
    expect(code).toBe(0)
    const [service] = (JSON.parse(stdout) as { services: { service: string; endpoints: object[] }[] }).services
    expect(service!.service).toBe('web')
    expect(service!.endpoints).toMatchObject([
      { address: '127.0.0.1:1', healthy: false, expected: 0, reason: expect.stringContaining('ECONNREFUSED') },
      { address: endpoint, healthy: true, expected: 1, weight: 3, checkMs: expect.any(Number) },
    ])
    const table = await run(['top', '--service', 'web', '--once', ...at], { env })
    expect(table.stdout).toMatch(new RegExp(`web +${endpoint} +3 +100% +[\\d.]+ ms +ready`))
  })
})
