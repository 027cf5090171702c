import { ServerCredentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { createBalancer } from '../../../src/core/balancer/balancer.js'
import type { ProxyOptions } from '../../../src/core/proxy/options.js'
import { parseListen } from '../../../src/core/proxy/listen.js'
import { startProxy } from '../../../src/core/proxy/proxy.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { makeCertificates } from '../../support/certificates.js'
import { GrpcPeerClient } from '../../support/grpc-peer.js'
import { startLoadReporter } from '../../support/load-reporter.js'
import { cleanup, cleanUp, HandResolver, until } from '../support.js'

afterEach(cleanUp)

async function startReporter(rps: number, credentials?: ServerCredentials) {
  const reporter = await startLoadReporter(rps, credentials)
  cleanup(() => reporter.close())
  return reporter
}

const FIELDS = {
  enableOobLoadReport: true,
  oobReportingPeriod: '0.1s',
  blackoutPeriod: '0s',
  weightUpdatePeriod: '0.1s',
}

/** Calls through a proxy over both servers until their streams have an effect, and then 400 times. */
async function share(servers: readonly { address: string; calls: number }[], options: Partial<ProxyOptions> = {}) {
  const resolver = new HandResolver()
  const config = { loadBalancingConfig: [{ weighted_round_robin: FIELDS }] }
  resolver.set(servers.map(({ address }) => address).join(','), 'web', config)
  const proxy = await startProxy(
    { listeners: [parseListen('grpc://127.0.0.1:0=web')], ...options },
    { resolver, createBalancer: () => createBalancer({}, systemRuntime) },
    systemRuntime,
  )
  cleanup(() => proxy.close())
  const client = new GrpcPeerClient(/127\.0\.0\.1:\d+$/.exec(proxy.listening[0]!)![0])
  cleanup(() => client.close())
  await until(() => {
    void client.unary({})
    return servers[1]!.calls > 1.5 * servers[0]!.calls
  }, 'the weights have an effect')
  for (const server of servers) server.calls = 0
  for (let i = 0; i < 400; i++) expect((await client.unary({})).code).toBe(0)
  return servers.map(({ calls }) => calls)
}

describe('weights by load reports out of band', () => {
  it('come from streams to the endpoints', async () => {
    const [few, many] = await share([await startReporter(100), await startReporter(300)])
    expect(few! + many!).toBeGreaterThanOrEqual(400)
    expect(few).toBeGreaterThanOrEqual(96)
    expect(few).toBeLessThanOrEqual(104)
  })

  it('come over TLS where endpoints are spoken to so', async () => {
    const { server, files, remove } = await makeCertificates()
    cleanup(remove)
    const pair = { private_key: server.key, cert_chain: server.cert }
    const credentials = () => ServerCredentials.createSsl(null, [pair])
    const servers = [await startReporter(100, credentials()), await startReporter(300, credentials())]
    const [few] = await share(servers, { upstreamTls: { caFile: files.ca } })
    expect(few).toBeGreaterThanOrEqual(96)
    expect(few).toBeLessThanOrEqual(104)
  })
})
