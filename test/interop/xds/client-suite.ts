import { ServerCredentials } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { DEFAULT_OUTLIER_DETECTION } from '../../../src/core/balancer/outlier-detection.js'
import type { ServedEndpoint, ServiceView } from '../../../src/core/control-plane/directory/contract.js'
import type { ServiceConfig } from '../../../src/core/registry/service-config.js'
import { FakeDirectory, served, serviceView } from '../../control-plane/support/fake-directory.js'
import { startXdsServer, type TestXdsServer } from '../../control-plane/xds/support/xds-server.js'
import { makeCertificates } from '../../support/certificates.js'
import { eventually } from '../../support/eventually.js'
import { CallingClient } from './calling-client.js'
import { reaches, shares } from './shares.js'
import { startWhoServer, type WhoServer } from './who-server.js'

const SERVICE = 'greeter'
const NAMES = ['a', 'b', 'c', 'd'] as const
const TIMEOUT_MS = 150_000

type Served = Partial<Record<(typeof NAMES)[number], Partial<ServedEndpoint>>>

/**
 * What every gRPC client that knows xDS has to come through without a failed call, against the real server.
 *
 * @param hasTls whether it takes an authority for the server's certificate from its bootstrap (gRFC A65)
 */
export function xdsClientSuite(program: () => readonly string[], { hasTls = true } = {}): void {
  const servers = new Map<string, WhoServer>()
  const clients: CallingClient[] = []
  let directory: FakeDirectory
  let xds: TestXdsServer

  beforeAll(async () => {
    for (const name of NAMES) servers.set(name, await startWhoServer(name))
  })
  afterAll(async () => {
    await Promise.all([...servers.values()].map((server) => server.close()))
  })
  beforeEach(async () => {
    directory = new FakeDirectory()
    xds = await startXdsServer(directory)
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()))
    await xds.close()
  })

  function view(endpoints: Served, serviceConfig?: ServiceConfig): ServiceView {
    const list = Object.entries(endpoints).map(([name, rest]) => served(servers.get(name)!.address, rest))
    return serviceView(SERVICE, list, serviceConfig && { serviceConfig })
  }

  function start(
    options: { zone?: string; waitForReady?: boolean; service?: string; ca?: string } = {},
  ): CallingClient {
    const client = new CallingClient({ program: program(), service: SERVICE, xdsPort: xds.port, ...options })
    clients.push(client)
    return client
  }

  it(
    'reaches servers that are added, drained and lost, with no failed call',
    async () => {
      directory.show(view({ a: {} }))
      const client = start()
      await reaches(client, ['a'])
      directory.show(view({ a: {}, b: {} }))
      await reaches(client, ['a', 'b'])
      directory.show(view({ a: {}, b: { state: 'draining' } }))
      await reaches(client, ['a'])
      directory.show(view({ a: {}, b: {}, c: { state: 'unhealthy' } }))
      await reaches(client, ['a', 'b'])
      directory.show(view({ b: {}, c: {} }))
      await reaches(client, ['b', 'c'])
      // What left may end: nobody needs it.
      await servers.get('a')!.close()
      directory.show(view({ d: {} }))
      await reaches(client, ['d'])
      servers.set('a', await startWhoServer('a'))
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it(
    'survives a server that dies, where calls are to be tried again',
    async () => {
      const retryPolicy = {
        maxAttempts: 4,
        initialBackoff: '0.01s',
        maxBackoff: '0.1s',
        backoffMultiplier: 2,
        // A server of grpc-js that is broken off resets its streams first.
        retryableStatusCodes: ['UNAVAILABLE', 'CANCELLED'],
      }
      directory.show(view({ a: {}, b: {} }, { methodConfig: [{ name: [{}], timeout: '15s', retryPolicy }] }))
      const client = start()
      await reaches(client, ['a', 'b'])
      await servers.get('a')!.kill()
      await reaches(client, ['b'])
      servers.set('a', await startWhoServer('a'))
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it(
    'shares calls out by weight and by policy, with no failed call when either changes',
    async () => {
      directory.show(view({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 6 } }))
      const client = start()
      await shares(client, { a: 1 / 9, b: 2 / 9, c: 6 / 9 })
      directory.show(view({ a: { weight: 6 }, b: { weight: 2 }, c: { weight: 1 } }))
      await shares(client, { a: 6 / 9, b: 2 / 9, c: 1 / 9 })
      const equal = { loadBalancingConfig: [{ round_robin: {} }] }
      directory.show(view({ a: { weight: 6 }, b: { weight: 2 }, c: { weight: 1 } }, equal))
      await shares(client, { a: 1 / 3, b: 1 / 3, c: 1 / 3 })
      const byLoad = { loadBalancingConfig: [{ weighted_round_robin: { blackoutPeriod: '1s' } }] }
      directory.show(view({ a: { weight: 1000 }, b: { weight: 1000 } }, byLoad))
      await shares(client, { a: 1 / 2, b: 1 / 2 })
      directory.show(view({ a: { weight: 250 }, b: { weight: 750 } }, byLoad))
      await shares(client, { a: 1 / 4, b: 3 / 4 })
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it(
    'keeps to one server for one key, and to the first with pick_first',
    async () => {
      const byUser = { loadBalancingConfig: [{ ring_hash: { requestHashHeader: 'user' } }] }
      directory.show(view({ a: {}, b: {}, c: {} }, byUser))
      const client = start()
      const before = (await client.next(200)).counts
      // Four users: as many servers as they hash to, each time the same.
      expect((await client.next(200)).counts).toEqual(
        Object.fromEntries(Object.keys(before).map((name) => [name, expect.any(Number)])),
      )
      directory.show(view({ a: {}, b: {}, c: {} }, { loadBalancingConfig: [{ pick_first: {} }] }))
      await eventually(async () => Object.keys((await client.next(100)).counts).length === 1)
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it(
    'stays in its zone as long as a server there is usable',
    async () => {
      const near = { zone: 'near' }
      directory.show(view({ a: near, b: near, c: { zone: 'far' } }))
      const client = start(near)
      await reaches(client, ['a', 'b'])
      const draining = { ...near, state: 'draining' } as const
      directory.show(view({ a: draining, b: draining, c: { zone: 'far' } }))
      await reaches(client, ['c'])
      directory.show(view({ a: near, b: draining, c: { zone: 'far' } }))
      await reaches(client, ['a'])
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it(
    'refuses what it cannot use, is heard, and goes on with what it had',
    async () => {
      directory.show(view({ a: {} }))
      const client = start()
      await reaches(client, ['a'])
      const outlierDetection = { ...DEFAULT_OUTLIER_DETECTION, maxEjectionPercent: 101 }
      directory.show({ ...view({ a: {} }), outlierDetection })
      const nack = await eventually(() => xds.events.find(({ event }) => event === 'nack') ?? false)
      expect(nack).toMatchObject({ type: 'Cluster', resources: [SERVICE] })
      expect((nack as { reason: string }).reason).toMatch(/max_ejection_percent/)
      await reaches(client, ['a'])
      directory.show(view({ a: {}, c: {} }))
      await reaches(client, ['a', 'c'])
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it(
    'outlives a restart of the control plane under load, with no failed call',
    async () => {
      directory.show(view({ a: {}, b: {} }))
      const client = start()
      await reaches(client, ['a', 'b'])
      const { port } = xds
      await xds.close()
      await reaches(client, ['a', 'b'])
      directory = new FakeDirectory()
      xds = await startXdsServer(directory, port)
      // The new one does not know the service yet, and says nothing.
      await eventually(() => directory.followers(SERVICE) > 0)
      await reaches(client, ['a', 'b'])
      directory.show(view({ b: {}, c: {} }))
      await reaches(client, ['b', 'c'])
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it(
    'finds a service, by its name with a port, that is registered after it asked, and tells how its calls went',
    async () => {
      const client = start({ service: `${SERVICE}:8080`, waitForReady: true })
      await eventually(() => directory.followers(SERVICE) > 0)
      directory.show(serviceView(SERVICE, [], { exists: false }))
      directory.show(view({ a: {} }))
      await reaches(client, ['a'])
      const load = await eventually(
        () => xds.events.find((event) => event.event === 'load' && event.requests > 0) ?? false,
      )
      expect(load).toMatchObject({ service: SERVICE, failed: 0, dropped: 0 })
      expect(directory.reported[0]).toMatchObject({ service: SERVICE })
      expect(client.errors).toEqual([])
    },
    TIMEOUT_MS,
  )

  it.runIf(hasTls)(
    'trusts the control plane by its certificate',
    async () => {
      const certificates = await makeCertificates()
      const { cert, key } = certificates.server
      const credentials = ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }])
      await xds.close()
      xds = await startXdsServer(directory, 0, undefined, credentials)
      directory.show(view({ a: {} }))
      const client = start({ ca: certificates.files.ca })
      await reaches(client, ['a'])
      expect(client.errors).toEqual([])
      await certificates.remove()
    },
    TIMEOUT_MS,
  )
}
