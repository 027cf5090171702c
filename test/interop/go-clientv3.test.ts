import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { describeWithPeers } from '../support/peers.js'

const run = promisify(execFile)
const MODULE = fileURLToPath(new URL('go-clientv3', import.meta.url))

/** The first build fetches and compiles the client. */
const BUILD_TIMEOUT_MS = 180_000

describeWithPeers(['go'], 'Go’s clientv3, concurrency and naming packages on the in-memory registry', () => {
  let directory: string
  let registry: TestRegistry
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairlead-go-'))
    await run('go', ['build', '-o', join(directory, 'interop'), '.'], { cwd: MODULE, timeout: BUILD_TIMEOUT_MS })
    registry = await startRegistry()
  }, BUILD_TIMEOUT_MS)
  afterAll(async () => {
    await registry?.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('work unmodified', async () => {
    const { stdout } = await run(join(directory, 'interop'), [registry.endpoint], { timeout: 29_000 })
    expect(JSON.parse(stdout)).toEqual({
      kv: { keys: ['kv/c', 'kv/b'], count: 3, more: true, deleted: 3, previous: 'value of kv/a' },
      txn: [true, false],
      watch: {
        events: ['PUT watch/a=0', 'PUT watch/a=1 was 0', 'DELETE watch/a= was 1'],
        progress: true,
      },
      compaction: { get: true, watch: true },
      lease: { ttl: 5, granted: 5, keys: 1, after: 0, lost: true },
      lock: true,
      naming: { added: true, listed: 1, connected: true, removed: true },
      cluster: { version: '3.6.0', leads: true, endpoints: 1, alarms: 0 },
    })
  })
})
