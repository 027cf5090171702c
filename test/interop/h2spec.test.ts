import { execFile } from 'node:child_process'
import { createServer } from 'node:http2'
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { cleanUp, cleanup, startTestProxy, type TestProxyOptions } from '../proxy/support.js'
import { makeCertificates } from '../support/certificates.js'
import { describeWithPeers } from '../support/peers.js'

const run = promisify(execFile)
/** The latest version that the module proxy has: 146 cases, those of the strict mode included. */
const MODULE = 'github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible'
const CASES = 146

/** The first build fetches and compiles it. */
const BUILD_TIMEOUT_MS = 180_000

describeWithPeers(['go'], 'h2spec against a listener', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairlead-h2spec-'))
    const environment = { ...process.env, GOBIN: directory }
    await run('go', ['install', MODULE], { cwd: directory, env: environment, timeout: BUILD_TIMEOUT_MS })
  }, BUILD_TIMEOUT_MS)
  afterAll(() => rm(directory, { recursive: true, force: true }))
  afterEach(cleanUp)

  it.each(['grpc', 'auto'])(
    'passes every case, strictly, on %s://',
    async (scheme) => {
      expect(await h2spec(join(directory, 'h2spec'), await startListener(scheme))).toContain(
        `${String(CASES)} tests, ${String(CASES)} passed, 0 skipped, 0 failed`,
      )
    },
    120_000,
  )

  it('passes every case, strictly, on a listener that ends TLS', async () => {
    const certificates = await makeCertificates()
    cleanup(() => certificates.remove())
    const { cert, key } = certificates.files
    const port = await startListener('grpc', { tls: { certFile: cert, keyFile: key } })
    expect(await h2spec(join(directory, 'h2spec'), port, '--tls', '--insecure')).toContain(
      `${String(CASES)} tests, ${String(CASES)} passed, 0 skipped, 0 failed`,
    )
  }, 120_000)

  // What is no preface of HTTP/2 is a bad request of HTTP/1.1 there, and answered as such.
  it('passes every case but that of a wrong preface on http://', async () => {
    const report = await h2spec(join(directory, 'h2spec'), await startListener('http'))
    expect(report).toContain(`${String(CASES)} tests, ${String(CASES - 1)} passed, 0 skipped, 1 failed`)
    expect(report).toContain('Sends invalid connection preface')
  }, 120_000)
})

/** The port of a listener in front of a server that answers every request. */
async function startListener(scheme: string, options: TestProxyOptions = {}): Promise<number> {
  const backend = createServer((request, response) => {
    request.resume().once('end', () => response.end('a few octets to be held back by a small window'))
  })
  backend.on('sessionError', () => {})
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  cleanup(() => backend.close())
  const { port } = backend.address() as AddressInfo
  return (await startTestProxy(`127.0.0.1:${String(port)}`, { listen: `${scheme}://127.0.0.1:0`, ...options })).port
}

/** The report, from the failures on if there are any. */
async function h2spec(program: string, port: number, ...more: string[]): Promise<string> {
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--strict', '--timeout', '10', ...more]
  const options = { maxBuffer: 16 * 1024 * 1024, timeout: 110_000 }
  const report = await run(program, flags, options).then(
    ({ stdout }) => stdout,
    (failure: { stdout?: string; message: string }) => failure.stdout ?? failure.message,
  )
  const failures = report.lastIndexOf('Failures:')
  return failures < 0 ? report.slice(-200) : report.slice(failures)
}
