import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext, type Server } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseCheck } from '../../src/core/health/check.js'
import { probe } from '../../src/core/health/probe.js'
import { type Address, parseAddress } from '../../src/core/model/address.js'
import { systemClock } from '../../src/core/runtime.js'
import { type Certificates, makeCertificates } from '../support/certificates.js'
import { freePort } from '../support/real-etcd.js'

let certificates: Certificates
let server: Server
let address: Address

beforeAll(async () => {
  certificates = await makeCertificates()
  server = createHttpsServer({ ...certificates.server }, (_request, response) => response.end('fine'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = parseAddress(`127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterAll(async () => {
  server.close()
  await certificates.remove()
})

/** Checks over TLS, believing `ca`, where the certificate must be for `name`. */
function check(text: string, ca: Buffer = certificates.ca, name = 'localhost', at = address) {
  const road = { tls: { context: createSecureContext({ ca }), name } }
  return probe(parseCheck(text), at, 5000, systemClock, undefined, road)
}

it.each(['tcp', 'http:/'])('%s passes for a certificate of the name, signed by whom is believed', async (text) => {
  expect(await check(text)).toBeUndefined()
  expect(await check(text, certificates.ca, '127.0.0.1')).toBeUndefined()
  expect(await check(text, certificates.stranger)).toMatch(/self.signed|unable to verify|unable to get/)
  expect(await check(text, certificates.ca, 'elsewhere.example')).toMatch(/does not match certificate's altnames/)
})

it('grpc asks over TLS', async () => {
  const grpc = new GrpcServer()
  const port = await freePort()
  const { cert, key } = certificates.server
  const credentials = ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }])
  await new Promise<void>((resolve, reject) => {
    grpc.bindAsync(`127.0.0.1:${port}`, credentials, (error) => (error ? reject(error) : resolve()))
  })
  const at = parseAddress(`127.0.0.1:${port}`)
  expect(await check('grpc', certificates.ca, 'localhost', at)).toBe('the health service answered grpc-status 12')
  expect(await check('grpc', certificates.stranger, 'localhost', at)).toMatch(/self.signed|unable to/)
  grpc.forceShutdown()
})
