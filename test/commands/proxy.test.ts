import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, cleanup, dial, ending, readSome, startEcho, startNamed, until } from '../proxy/support.js'
import { run, start } from '../support/cli.js'

afterEach(cleanUp)

async function startProxy(...args: string[]) {
  const cli = start(['proxy', ...args, '-o', 'ndjson'])
  const first = JSON.parse(await cli.waitForLine(/^\{/)) as { listen: string }
  return { cli, first, listen: first.listen }
}

describe('fairlead proxy', () => {
  it('says where it listens, to people and to programs, and relays', async () => {
    const server = await startNamed('a')
    const { cli, first, listen } = await startProxy(`tcp://127.0.0.1:0=${server.address}`)
    expect(first).toMatchObject({ schemaVersion: 1, event: 'listening', service: server.address, endpoints: 1 })
    expect(listen).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
    expect(cli.stderr).toContain(`listening ${listen} -> ${server.address} (1 endpoint, weighted_round_robin)\n`)
    expect(await readSome(await dial(listen))).toBe('a\n')
  })

  it('ends at SIGTERM with status 0 after open connections have, and accepts nothing meanwhile', async () => {
    const echo = await startEcho()
    const { cli, listen } = await startProxy(`0=${echo.address}`)
    const client = await dial(listen)
    client.write('x')
    await readSome(client)
    cli.signal('SIGTERM')
    await cli.waitForLine(/^draining 1 connection$/)
    await expect(dial(listen)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    client.write('still')
    expect(await readSome(client)).toBe('still')
    client.end()
    expect(await cli.ended).toMatchObject({ code: 0 })
  })

  it('breaks off what is left after the drain time', async () => {
    const echo = await startEcho()
    const { cli, listen } = await startProxy(`0=${echo.address}`, '--drain-timeout', '200ms')
    const client = await dial(listen)
    client.write('x')
    await readSome(client)
    const end = ending(client)
    cli.signal('SIGINT')
    expect(await end).toBe('ECONNRESET')
    expect(await cli.ended).toMatchObject({ code: 0, stderr: expect.stringContaining('breaking off 1 connection') })
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends at once at a second %s, with status %i', async (signal, code) => {
    const echo = await startEcho()
    const { cli, listen } = await startProxy(`0=${echo.address}`)
    const client = await dial(listen)
    client.write('x')
    await readSome(client)
    cli.signal('SIGTERM')
    await cli.waitForLine(/^draining/)
    cli.signal(signal)
    expect(await cli.ended).toMatchObject({ code })
  })

  it('says what to do about a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    cleanup(() => taken.close())
    const { port } = taken.address() as { port: number }
    const result = await run(['proxy', `${port}=127.0.0.1:1`, '--json'])
    expect(result.code).toBe(1)
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'ADDRESS_IN_USE', exit: 1 } })
    expect(result.stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} is already in use\nhint: `))
  })

  it.each([
    [[], 'missing'],
    [['8080'], 'no target'],
    [['0=127.0.0.1:1', '--policy', 'best'], 'unknown policy "best"'],
    [['0=127.0.0.1:1', '--connect-timeout', '5'], '--connect-timeout'],
    [['0=127.0.0.1:1', '--idle-timeout', '0'], 'idle timeout'],
    [['0=127.0.0.1:1', '--retries', '-1'], 'retries'],
    [['0=127.0.0.1:1', '--max-connections', '0'], 'connections'],
    [['0=127.0.0.1:1', '--allow', '10.0.0.0/40'], 'bad network "10.0.0.0/40"'],
    [['0=127.0.0.1:1', '--proxy-protocol', 'accept'], 'trusted networks'],
    [['tcp://:0=127.0.0.1:1', '--trust', '10.0.0.0/8'], 'no effect'],
  ])('%j is a usage error', async (args, message) => {
    const result = await run(['proxy', ...args])
    expect(result.stderr).toContain(message)
    expect(result.code).toBe(2)
    expect(result.stderr).not.toContain('listening')
  })

  it('survives running out of file descriptors', async () => {
    const echo = await startEcho()
    const command = `ulimit -n 60 && exec "$0" "$1" proxy 0=${echo.address} -o ndjson`
    const child = spawn('sh', ['-c', command, process.execPath, 'bin/run.js'], { stdio: ['ignore', 'pipe', 'ignore'] })
    cleanup(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await until(() => output.includes('\n'), 'it listens')
    const port = Number(/:(\d+)"/.exec(output)![1])
    const clients = await Promise.all(Array.from({ length: 100 }, () => dial(port).catch(() => undefined)))
    await until(() => /accept_failed|connect_failed/.test(output), 'descriptors run out')
    for (const client of clients) client?.destroy()
    await until(() => echo.sockets.every((socket) => socket.destroyed), 'every connection is over')
    const client = await dial(port)
    client.write('alive')
    expect(await readSome(client)).toBe('alive')
    expect(child.exitCode).toBeNull()
  })
})
