import { credentials, ServerCredentials, status } from '@grpc/grpc-js'
import { afterEach, expect, it } from 'vitest'
import { makeCertificates } from '../../support/certificates.js'
import { eventually } from '../../support/eventually.js'
import { freePort } from '../../support/real-etcd.js'
import { type Environment, type RegisteredServer, startEnvironment } from '../environment.js'
import type { TestClient } from '../support.js'
import { startTokenServer, TestChannel } from './support.js'

let opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.reverse()) await each.close()
  opened = []
})

/** A registry, and a balancer for its services that is registered for `web`. */
async function startWithBalancer(): Promise<
  Environment & { readonly balancer: string; removeBalancer(): Promise<void> }
> {
  const environment = await startEnvironment()
  opened.push(environment)
  const serving = await environment.fairlead.serve({ grpclb: '127.0.0.1:0' })
  const balancer = serving.listening[0]!.replace('grpclb://', '')
  const registration = await environment.fairlead.register('web', balancer, { role: 'balancer' })
  return { ...environment, balancer, removeBalancer: () => registration.close() }
}

/** Has a server remember the tokens that it is called with. */
function tokensOf(server: RegisteredServer): (string | undefined)[] {
  const tokens: (string | undefined)[] = []
  server.answer = (headers) => {
    tokens.push(headers['lb-token'] as string | undefined)
    return {}
  }
  return tokens
}

const reaches = (channel: TestClient, server: RegisteredServer) =>
  eventually(async () => {
    const before = server.calls
    await channel.calls(4)
    return server.calls > before
  })

it('asks the balancer that is registered beside the servers, whatever the config says', async () => {
  const { fairlead, serve, client } = await startWithBalancer()
  await fairlead.setServiceConfig('web', { loadBalancingConfig: [{ round_robin: {} }] })
  const server = await serve('web', { id: 'first' })
  const tokens = tokensOf(server)
  const channel = client('ns:///web')
  await channel.calls(3)
  expect(tokens).toEqual(['web/first', 'web/first', 'web/first'])

  const second = await serve('web', { id: 'second' })
  const later = tokensOf(second)
  await reaches(channel, second)
  expect(later[0]).toBe('web/second')
  await server.deregister()
  await eventually(async () => {
    const before = server.calls
    await channel.calls(4)
    return server.calls === before
  })
})

it('balances by itself as soon as the balancer is gone from the registry, over the connections there are', async () => {
  const { serve, client, removeBalancer } = await startWithBalancer()
  const server = await serve('web', { id: 'first' })
  const tokens = tokensOf(server)
  const channel = client('ns:///web')
  await channel.calls(2)
  await removeBalancer()
  await eventually(async () => {
    await channel.calls(1)
    return tokens.at(-1) === undefined
  })
})

it('says why there is no list where there are no servers to fall back to, and goes to those that come', async () => {
  const environment = await startEnvironment()
  opened.push(environment)
  const { fairlead, serve, client } = environment
  const port = await freePort()
  await fairlead.register('web', `127.0.0.1:${port}`, { role: 'balancer' })
  const channel = client('ns:///web', { 'grpc.grpclb_fallback_timeout_ms': 300 })
  const { code, details } = await channel.call()
  expect(code).toBe(status.UNAVAILABLE)
  expect(details).toMatch(
    new RegExp(
      `no list from a lookaside balancer of web, and no servers to fall back to: .*ECONNREFUSED 127.0.0.1:${port}`,
    ),
  )
  const server = await serve('web')
  await eventually(async () => (await channel.call()).code === status.OK)
  await server.deregister()
  await eventually(async () => /no servers to fall back to/.test((await channel.call()).details))
})

it('asks for another service as soon as the config names one', async () => {
  const { fairlead, serve, client } = await startWithBalancer()
  const [own, other] = [await serve('web'), await serve('other', { id: 'there' })]
  const channel = client('ns:///web')
  await channel.calls(2)
  const tokens = tokensOf(other)
  await fairlead.setServiceConfig('web', { loadBalancingConfig: [{ grpclb: { serviceName: 'other' } }] })
  await reaches(channel, other)
  expect(tokens[0]).toBe('other/there')
  const before = own.calls
  await channel.calls(4)
  expect(own.calls).toBe(before)
})

it('uses the first server only where the service’s config asks for pick_first', async () => {
  const { fairlead, serve, client } = await startWithBalancer()
  await fairlead.setServiceConfig('web', { loadBalancingConfig: [{ pick_first: {} }] })
  const servers = [await serve('web'), await serve('web'), await serve('web')]
  const tokens = servers.map(tokensOf)
  await client('ns:///web').calls(12)
  expect(servers.map(({ calls }) => calls).sort()).toEqual([0, 0, 12])
  expect(tokens.flat()[0]).toMatch(/^web\//)
})

it('has a balancer prove its host name, and servers that of the service', async () => {
  const certificates = await makeCertificates()
  opened.push({ close: () => certificates.remove() })
  const { cert: certFile, key: keyFile } = certificates.files
  const environment = await startEnvironment()
  opened.push(environment)
  const { fairlead } = environment
  const service = 'elsewhere.example'
  const serving = await fairlead.serve({ grpclb: '127.0.0.1:0', tls: { certFile, keyFile } })
  const port = serving.listening[0]!.split(':').at(-1)
  await fairlead.register(service, `localhost:${port}`, { role: 'balancer' })
  const misnamed = { cert_chain: certificates.misnamed.cert, private_key: certificates.misnamed.key }
  const server = await startTokenServer(ServerCredentials.createSsl(null, [misnamed]))
  opened.push(server)
  await fairlead.register(service, server.address, { id: 'one' })
  const local = { 'grpc.use_local_subchannel_pool': 1 }
  const channel = new TestChannel(`ns:///${service}`, local, credentials.createSsl(certificates.ca))
  opened.push(channel)
  expect(await channel.call()).toBe(server.address)
  expect(server.tokens).toEqual([`${service}/one`])
})
