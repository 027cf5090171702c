import { Agent, createServer, get, type Server } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Client, credentials, ServerCredentials } from '@grpc/grpc-js'
import { envoyBootstrap } from '../../src/core/control-plane/xds/envoy-bootstrap.js'
import { DEFAULT_OUTLIER_DETECTION } from '../../src/core/balancer/outlier-detection.js'
import { FakeDirectory, served, serviceView } from '../control-plane/support/fake-directory.js'
import { startXdsServer, type TestXdsServer } from '../control-plane/xds/support/xds-server.js'
import { makeCertificates } from '../support/certificates.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers, ENVOY } from '../support/peers.js'
import { freePort } from '../support/real-etcd.js'
import { Caller } from './xds/caller.js'
import { type Envoy, startEnvoy } from './xds/envoy-process.js'
import { reaches, shares } from './xds/shares.js'
import { startWhoServer, type WhoServer } from './xds/who-server.js'

const TIMEOUT_MS = 150_000

describeWithPeers([ENVOY], 'an Envoy', () => {
  let directory: FakeDirectory
  let xds: TestXdsServer
  /** The last that was started. */
  let envoy: Envoy
  const closing: (() => Promise<unknown>)[] = []

  beforeEach(async () => {
    directory = new FakeDirectory()
    xds = await startXdsServer(directory)
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    await xds.close()
  })

  /** An Envoy that listens for a service; where it does. */
  async function envoyFor(service: string, delta: boolean, zone?: string, ca?: string): Promise<number> {
    const port = await freePort()
    const configuration = envoyBootstrap({
      server: `127.0.0.1:${xds.port}`,
      serverAddress: { host: '127.0.0.1', port: xds.port },
      nodeId: 'edge',
      zone,
      tls: ca === undefined ? undefined : { ca },
      listeners: [{ listen: { host: '127.0.0.1', port }, service }],
      admin: undefined,
      delta,
    })
    const started = await startEnvoy(configuration)
    envoy = started
    closing.push(() => started.close())
    // Its workers take a moment to listen.
    await eventually(() => accepts(port))
    return port
  }

  async function httpServers(...names: string[]): Promise<Record<string, string>> {
    const addresses: Record<string, string> = {}
    for (const name of names) {
      const server: Server = createServer((_request, response) => response.end(name))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      closing.push(async () => {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      })
      addresses[name] = `127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    return addresses
  }

  function httpCaller(port: number): Caller {
    const agent = new Agent({ keepAlive: true })
    const caller = new Caller(async () => {
      const request = get({ host: '127.0.0.1', port, agent, timeout: 20_000 })
      const [response] = await once(request, 'response')
      let body = ''
      for await (const chunk of response) body += chunk
      if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${body}`)
      return body
    })
    closing.push(async () => {
      await caller.close()
      agent.destroy()
    })
    return caller
  }

  function grpcCaller(port: number): Caller {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    const asIs = (bytes: Buffer) => bytes
    const caller = new Caller(
      () =>
        new Promise((resolve, reject) => {
          const options = { deadline: Date.now() + 20_000 }
          client.makeUnaryRequest('/fairlead.test.Who/Ask', asIs, asIs, Buffer.alloc(0), options, (error, answer) =>
            error ? reject(error) : resolve(String(answer)),
          )
        }),
    )
    closing.push(async () => {
      await caller.close()
      client.close()
    })
    return caller
  }

  describe.each([
    ['the state of the world', false],
    ['increments', true],
  ])('that asks for %s', (_name, delta) => {
    it(
      'balances HTTP over servers that are added, weighted, drained and lost, with no failed request',
      async () => {
        const at = await httpServers('a', 'b', 'c')
        directory.show(serviceView('web', [served(at.a!)]))
        directory.show(serviceView('other', [served(at.c!)]))
        const web = httpCaller(await envoyFor('web', delta))
        await reaches(web, ['a'])
        directory.show(serviceView('web', [served(at.a!), served(at.b!), served(at.c!)]))
        await reaches(web, ['a', 'b', 'c'])
        const weighted = [served(at.a!, { weight: 1 }), served(at.b!, { weight: 2 }), served(at.c!, { weight: 6 })]
        directory.show(serviceView('web', weighted))
        await shares(web, { a: 1 / 9, b: 2 / 9, c: 6 / 9 })
        const equal = { serviceConfig: { loadBalancingConfig: [{ round_robin: {} }] } }
        directory.show(serviceView('web', weighted, equal))
        await shares(web, { a: 1 / 3, b: 1 / 3, c: 1 / 3 })
        // More than half of them: not a reason to use them all.
        const drained = [served(at.a!), served(at.b!, { state: 'draining' }), served(at.c!, { state: 'draining' })]
        directory.show(serviceView('web', drained))
        await reaches(web, ['a'])
        directory.show(serviceView('web', [served(at.b!)]))
        await reaches(web, ['b'])
        expect(web.errors).toEqual([])
        expect(xds.events.filter(({ event }) => event === 'nack')).toEqual([])
      },
      TIMEOUT_MS,
    )

    it(
      'balances gRPC, stays in its zone, and outlives a restart of the control plane, with no failed call',
      async () => {
        const servers: WhoServer[] = []
        for (const name of ['a', 'b', 'c']) servers.push(await startWhoServer(name))
        closing.push(() => Promise.all(servers.map((server) => server.close())))
        const [a, b, c] = servers.map(({ address }) => address) as [string, string, string]
        const near = { zone: 'near', meta: { protocol: 'grpc' } }
        const far = { zone: 'far', meta: { protocol: 'grpc' } }
        directory.show(serviceView('greeter', [served(a, near), served(b, near), served(c, far)]))
        const calls = grpcCaller(await envoyFor('greeter', delta, 'near'))
        await reaches(calls, ['a', 'b'])
        const { port } = xds
        await xds.close()
        await reaches(calls, ['a', 'b'])
        directory = new FakeDirectory()
        directory.show(serviceView('greeter', [served(a, near), served(b, near), served(c, far)]))
        xds = await startXdsServer(directory, port)
        await eventually(() => directory.followers('greeter') > 0)
        await reaches(calls, ['a', 'b'])
        directory.show(serviceView('greeter', [served(a, { ...near, state: 'draining' }), served(c, far)]))
        await reaches(calls, ['c'])
        const byLoad = { serviceConfig: { loadBalancingConfig: [{ least_connections: {} }] } }
        directory.show(serviceView('greeter', [served(a, near), served(b, near)], byLoad))
        await reaches(calls, ['a', 'b'])
        expect(calls.errors).toEqual([])
      },
      TIMEOUT_MS,
    )

    it(
      'goes by a cluster that changes while its endpoints do not, and does not wait for those in vain',
      async () => {
        const at = await httpServers('a')
        directory.show(serviceView('web', [served(at.a!)]))
        const web = httpCaller(await envoyFor('web', delta))
        await reaches(web, ['a'])
        const closed = { serviceConfig: { circuitBreakers: { maxRequests: 0 } } }
        directory.show(serviceView('web', [served(at.a!)], closed))
        // An Envoy gives endpoints up after 15 seconds.
        await eventually(() => web.errors.some((error) => error.includes('overflow')), 10_000)
        directory.show(serviceView('web', [served(at.a!)]))
        await reaches(web, ['a'])
      },
      TIMEOUT_MS,
    )

    it(
      'has services that are registered later, keeps what it has when it refuses, and tells how requests went',
      async () => {
        const at = await httpServers('a', 'b')
        const web = httpCaller(await envoyFor('web', delta))
        directory.show(serviceView('web', [served(at.a!)]))
        await reaches(web, ['a'])
        const early = web.errors.length
        const outlierDetection = { ...DEFAULT_OUTLIER_DETECTION, maxEjectionPercent: 200 }
        directory.show({ ...serviceView('web', [served(at.a!)]), outlierDetection })
        const nack = await eventually(() => xds.events.find(({ event }) => event === 'nack') ?? false)
        expect(nack).toMatchObject({ type: 'Cluster', client: expect.stringMatching(/ \(edge\)$/) })
        expect((nack as { reason: string }).reason).toContain('MaxEjectionPercent')
        await reaches(web, ['a'])
        directory.show(serviceView('web', [served(at.b!)]))
        await reaches(web, ['b'])
        expect(web.errors.slice(early)).toEqual([])
        const load = await eventually(
          () => xds.events.find((event) => event.event === 'load' && event.requests > 0) ?? false,
        )
        expect(load).toMatchObject({ service: 'web' })
      },
      TIMEOUT_MS,
    )
  })

  it(
    'trusts the control plane by its certificate',
    async () => {
      const certificates = await makeCertificates()
      closing.push(() => certificates.remove())
      const { cert, key } = certificates.server
      await xds.close()
      const secure = ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }])
      xds = await startXdsServer(directory, 0, undefined, secure)
      const at = await httpServers('a')
      directory.show(serviceView('web', [served(at.a!)]))
      const web = httpCaller(await envoyFor('web', false, undefined, certificates.files.ca))
      await reaches(web, ['a'])
      expect(web.errors).toEqual([])
      // A certificate of the same authority for another name is none.
      const { port } = xds
      await xds.close()
      const { cert: otherCert, key: otherKey } = certificates.misnamed
      const misnamed = ServerCredentials.createSsl(null, [{ cert_chain: otherCert, private_key: otherKey }])
      xds = await startXdsServer(directory, port, undefined, misnamed)
      await eventually(() => /CERTIFICATE_VERIFY_FAILED|SAN matcher/.test(envoy.log), 45_000)
      expect(directory.followers('web')).toBe(0)
      await xds.close()
      xds = await startXdsServer(directory, port, undefined, secure)
      await eventually(() => directory.followers('web') > 0, 45_000)
    },
    TIMEOUT_MS,
  )

  it(
    'that has its clusters from elsewhere gets their endpoints',
    async () => {
      const at = await httpServers('a', 'b')
      directory.show(serviceView('web', [served(at.a!)]))
      const port = await freePort()
      const envoy = await startEnvoy(endpointsOnly(port, xds.port))
      closing.push(() => envoy.close())
      await eventually(() => accepts(port))
      const web = httpCaller(port)
      await reaches(web, ['a'])
      directory.show(serviceView('web', [served(at.a!), served(at.b!)]))
      await reaches(web, ['a', 'b'])
      directory.show(serviceView('web', [served(at.b!)]))
      await reaches(web, ['b'])
      expect(web.errors).toEqual([])
      directory.show(serviceView('web', [], { exists: false }))
      await eventually(() => web.errors.some((error) => error.includes('no healthy upstream')))
    },
    TIMEOUT_MS,
  )

  it.each([
    'random',
    'maglev',
    'ring_hash',
    'source_hash',
    'least_request',
    'peak_ewma',
    'pick_first',
    'weighted_random',
  ])(
    'takes %s',
    async (policy) => {
      const at = await httpServers('a', 'b')
      const serviceConfig = { loadBalancingConfig: [{ [policy]: {} }] }
      directory.show(serviceView('web', [served(at.a!), served(at.b!)], { serviceConfig }))
      const web = httpCaller(await envoyFor('web', false))
      const { counts } = await web.next(100)
      const all = ['random', 'least_request', 'peak_ewma', 'weighted_random'].includes(policy)
      expect(Object.keys(counts)).toHaveLength(all ? 2 : 1)
      expect(web.errors).toEqual([])
      expect(xds.events.filter(({ event }) => event === 'nack')).toEqual([])
    },
    TIMEOUT_MS,
  )
})

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** An Envoy as a mesh has it: listeners, routes and clusters are its own, and only a cluster's endpoints are not. */
function endpointsOnly(port: number, xdsPort: number): object {
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    'stat_prefix': 'web',
    'route_config': {
      virtual_hosts: [{ name: 'web', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'web' } }] }],
    },
    'http_filters': [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  }
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager }
  const socketAddress = (at: number) => ({ socket_address: { address: '127.0.0.1', port_value: at } })
  const api = {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'eds' } }],
  }
  const edsEndpoint = { endpoint: { address: socketAddress(xdsPort) } }
  return {
    node: { id: 'sidecar', cluster: 'mesh' },
    static_resources: {
      listeners: [{ name: 'web', address: socketAddress(port), filter_chains: [{ filters: [filter] }] }],
      clusters: [
        {
          name: 'web',
          type: 'EDS',
          eds_cluster_config: { eds_config: { resource_api_version: 'V3', api_config_source: api } },
        },
        {
          name: 'eds',
          type: 'STATIC',
          http2_protocol_options: {},
          load_assignment: { cluster_name: 'eds', endpoints: [{ lb_endpoints: [edsEndpoint] }] },
        },
      ],
    },
  }
}
