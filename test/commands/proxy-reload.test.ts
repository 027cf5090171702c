import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cleanUp, dial, readSome, startEcho, startNamed } from '../proxy/support.js'
import { type RunningCli, run, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { freePort } from '../support/real-etcd.js'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairlead-reload-'))
  file = join(directory, 'fairlead.yaml')
})
afterEach(async () => {
  await cleanUp()
  await rm(directory, { recursive: true })
})

const write = (proxy: object) => writeFile(file, JSON.stringify({ proxy }))

function events(cli: RunningCli) {
  return cli.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Sends SIGHUP and waits for what comes of it. */
async function hangUp(cli: RunningCli): Promise<Record<string, unknown>> {
  const outcomes = () => events(cli).filter(({ event }) => /^reload/.test(String(event)))
  const before = outcomes().length
  cli.signal('SIGHUP')
  await eventually(() => expect(outcomes().length).toBe(before + 1))
  return outcomes().at(-1)!
}

it('takes listeners and flags from the file, and what changed in it at SIGHUP', async () => {
  const echo = await startEcho()
  const named = await startNamed('other')
  const [first, second] = [await freePort(), await freePort()]
  await write({ listen: { [`tcp://:${first}`]: echo.address }, policy: 'random' })
  const cli = start(['proxy', '--config', file, '--drain-timeout', '100ms', '-o', 'ndjson'])
  await cli.waitForLine(/^listening .* \(1 endpoint, random\)$/)
  const client = await dial(first)
  client.write('1')
  expect(await readSome(client)).toBe('1')

  await write({ listen: { [`tcp://:${first}`]: named.address, [`tcp://:${second}`]: echo.address } })
  expect(await hangUp(cli)).toMatchObject({ event: 'reloaded', listeners: 2 })
  expect(await readSome(await dial(first))).toBe('other\n')
  const added = await dial(second)
  added.write('2')
  expect(await readSome(added)).toBe('2')
  client.write('still')
  expect(await readSome(client)).toBe('still')

  await writeFile(file, 'proxy: { listen: [')
  expect(await hangUp(cli)).toMatchObject({ event: 'reload_failed', reason: expect.stringContaining(file) as string })
  await write({ listen: [`tcp://:${first}=web`], retires: 1 })
  expect(await hangUp(cli)).toMatchObject({
    event: 'reload_failed',
    reason: expect.stringContaining('retires') as string,
  })
  await write({ listen: [`tcp://:${second}=${echo.address}`], retries: -1 })
  expect(await hangUp(cli)).toMatchObject({
    event: 'reload_failed',
    reason: expect.stringContaining('retries') as string,
  })
  expect(await readSome(await dial(first))).toBe('other\n')

  await write({ listen: [`tcp://:${second}=${echo.address}`], workers: 2 })
  expect(await hangUp(cli)).toMatchObject({ event: 'reloaded', listeners: 1, unchanged: ['--workers'] })
  await expect(dial(first)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  cli.signal('SIGTERM')
  expect((await cli.ended).code).toBe(0)
})

it('goes on at SIGHUP without a file, with the command line as it was', async () => {
  const named = await startNamed('a')
  const cli = start(['proxy', `tcp://:0=${named.address}`, '-o', 'ndjson'])
  const { listen } = JSON.parse(await cli.waitForLine(/^\{/)) as { listen: string }
  expect(await hangUp(cli)).toMatchObject({ event: 'reloaded', listeners: 1 })
  expect(await readSome(await dial(listen))).toBe('a\n')
})

it('lets the command line win over the file', async () => {
  await write({ listen: ['tcp://:0=10.0.0.5:80'], policy: 'random', retries: -1 })
  const cli = start(['proxy', 'tcp://:0=10.0.0.6:80', '--retries', '0', '--config', file])
  expect(await cli.waitForLine(/^listening/)).toMatch(/-> 10\.0\.0\.6:80 \(1 endpoint, random\)$/)
})

it('names what is wrong in the file', async () => {
  await write({ listen: ['tcp://:0=10.0.0.5:80'], sticky: true })
  const { code, stderr } = await run(['proxy', '--config', file])
  expect(code).toBe(2)
  expect(stderr).toContain('--sticky has no effect')
})
