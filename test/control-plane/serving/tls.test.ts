import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTcp } from 'node:net'
import { connect } from 'node:tls'
import { credentials, type MethodDefinition } from '@grpc/grpc-js'
import { service as healthDefinition } from 'grpc-health-check'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { LOOK_MS } from '../../../src/core/net/kept-files.js'
import { type Certificates, type KeyPair, makeCertificates } from '../../support/certificates.js'
import { eventually } from '../../support/eventually.js'
import { call, client, listener, start } from './setup.js'

const health = healthDefinition as unknown as Record<'Check', MethodDefinition<object, object>>

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates.remove())

async function startWith(pair: KeyPair) {
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-serving-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const tls = { certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') }
  const replace = async ({ cert, key }: KeyPair) => {
    await Promise.all([writeFile(tls.certFile, cert), writeFile(tls.keyFile, key)])
  }
  await replace(pair)
  const started = await start({ listeners: [listener('grpclb', '0')], tls })
  const port = Number(started.address.split(':')[1])
  return { ...started, tls, replace, commonName: () => commonName(port) }
}

/** Whom a server says it is. */
function commonName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername: 'localhost', ca: certificates.ca, ALPNProtocols: ['h2'] }
    const socket = connect(options, () => {
      const { CN } = socket.getPeerCertificate().subject
      socket.destroy()
      resolve(String(CN))
    })
    socket.on('error', reject)
  })
}

it('renews its certificate when the files change, and what is open goes on', async () => {
  const { address, clock, events, replace, commonName, tls } = await startWith(await certificates.issue('first'))
  const files = [tls.certFile, tls.keyFile]
  expect(await commonName()).toBe('first')
  const open = client(address, credentials.createSsl(certificates.ca))
  const check = () => call(open, health.Check, { service: '' })
  await check()

  await replace(await certificates.issue('second'))
  await clock.advance(LOOK_MS)
  await eventually(() => expect(events).toContainEqual({ event: 'certificates', files }))
  expect(await commonName()).toBe('second')

  await writeFile(tls.certFile, 'nothing')
  await eventually(async () => {
    await clock.advance(LOOK_MS)
    return events.some(({ event }) => event === 'certificates_refused')
  })
  expect(await commonName()).toBe('second')
  await check()
})

it('ends a connection on which no handshake comes', async () => {
  const { address } = await startWith(await certificates.issue('first'))
  const socket = connectTcp(Number(address.split(':')[1]), '127.0.0.1').resume()
  onTestFinished(() => void socket.destroy())
  await eventually(() => socket.destroyed, 25_000)
})
