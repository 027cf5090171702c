import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { cleanUp, startTestProxy } from '../proxy/support.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'
import { freePort } from '../support/real-etcd.js'

const run = promisify(execFile)
const MODULE = fileURLToPath(new URL('go-grpc', import.meta.url))

/** The first build fetches and compiles both programs. */
const BUILD_TIMEOUT_MS = 300_000

/** Those of gRPC's interoperability cases that need no credentials. */
const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
] as const

afterEach(cleanUp)

describeWithPeers(
  ['go'],
  'gRPC’s interoperability client and servers, written in Go, with the proxy in between',
  () => {
    let directory: string
    const servers: ChildProcess[] = []
    const addresses: string[] = []

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'fairlead-go-grpc-'))
      await run('go', ['build', '-o', `${directory}/`, 'tool'], { cwd: MODULE, timeout: BUILD_TIMEOUT_MS })
      for (let i = 0; i < 2; i++) {
        const port = await freePort()
        servers.push(spawn(join(directory, 'server'), ['-port', String(port)], { stdio: 'ignore' }))
        addresses.push(`127.0.0.1:${port}`)
        await eventually(() => accepts(port))
      }
    }, BUILD_TIMEOUT_MS)
    afterAll(async () => {
      for (const server of servers) server.kill('SIGKILL')
      await rm(directory, { recursive: true, force: true })
    })

    it.each(CASES)('pass %s', async (name) => {
      const { port } = await startTestProxy(addresses.join(','), { listen: 'grpc://127.0.0.1:0' })
      const args = ['-server_host=127.0.0.1', `-server_port=${port}`, `-test_case=${name}`]
      // It exits with 1 where the case fails.
      const env = { ...process.env, GRPC_GO_LOG_SEVERITY_LEVEL: 'info' }
      const { stderr } = await run(join(directory, 'client'), args, { env, timeout: 25_000 })
      expect(stderr).toMatch(/done/i)
    })
  },
)

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
