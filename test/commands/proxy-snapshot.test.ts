import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { run, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'

let directory: string
let registry: TestRegistry
let server: Server
let address: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairlead-proxy-'))
  registry = await startRegistry()
  server = createServer((socket) => socket.end('served')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `127.0.0.1:${(server.address() as { port: number }).port}`
})
afterEach(async () => {
  server.close()
  await registry.close()
  await rm(directory, { recursive: true, force: true })
})

/** What a connection through a proxy, whose first line this is, gives. */
async function ask(listening: string): Promise<string> {
  const socket = connect({ port: Number(/127\.0\.0\.1:(\d+) ->/.exec(listening)![1]), host: '127.0.0.1' })
  let answer = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
  await once(socket, 'close')
  return answer
}

it('lets a proxy that restarts without its registry serve what it served before', async () => {
  const store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
  await store.txn({ then: [{ type: 'put', key: `/ns/web/${address}`, value: '' }] })
  await store.close()
  const file = join(directory, 'snapshot.json')
  const args = ['proxy', 'tcp://127.0.0.1:0=web', '--snapshot', file, '--endpoints', registry.endpoint]
  const first = start(args)
  const firstLine = await first.waitForLine(/^listening/)
  await eventually(async () => expect(await ask(firstLine)).toBe('served'))
  await eventually(async () => (await readFile(file, 'utf8')).includes(address))
  first.signal('SIGTERM')
  expect((await first.ended).code).toBe(0)

  await registry.close()
  const second = start(args)
  const secondLine = await second.waitForLine(/^listening/)
  await eventually(async () => expect(await ask(secondLine)).toBe('served'))
  second.signal('SIGTERM')
  expect((await second.ended).code).toBe(0)
})

it('names a snapshot file that cannot be written', async () => {
  const file = join(directory, 'absent', 'snapshot.json')
  const { code, stderr } = await run(['proxy', 'tcp://127.0.0.1:0=web', '--snapshot', file])
  expect(code).toBe(2)
  expect(stderr).toContain(file)
})
