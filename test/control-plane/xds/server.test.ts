import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js'
import type { MessageTypeDefinition } from '@grpc/proto-loader'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadProto } from '../../../src/core/protos/load.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { eventually } from '../../support/eventually.js'
import { DeafClient } from '../support/deaf-client.js'
import { FakeDirectory, served, serviceView } from '../support/fake-directory.js'
import { AdsClient, type Received, type TypeName, TYPES } from './support/ads-client.js'
import { startXdsServer, type TestXdsServer } from './support/xds-server.js'

let directory: FakeDirectory
let server: TestXdsServer
const clients: AdsClient[] = []

beforeEach(async () => {
  directory = new FakeDirectory()
  server = await startXdsServer(directory)
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await server.close()
})

function connect(form?: ConstructorParameters<typeof AdsClient>[1]): AdsClient {
  const client = new AdsClient(server.port, form)
  clients.push(client)
  return client
}

const web = (...addresses: string[]) =>
  serviceView(
    'web',
    addresses.map((address) => served(address)),
  )

describe('a gRPC client', () => {
  it('finds its way from what it dials to endpoints', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    const node = { id: 'me', user_agent_name: 'gRPC Go' }
    expect((await client.follow('listener', ['web:8080'], node)).resources).toHaveProperty(['web:8080'])
    expect((await client.follow('route', ['web'])).resources).toHaveProperty('web')
    expect((await client.follow('cluster', ['web'])).resources).toMatchObject({ web: { type: 'EDS' } })
    expect((await client.follow('endpoints', ['web'])).resources).toMatchObject({ web: { endpoints: [{}] } })
    expect(server.events).toMatchObject([
      { event: 'joined', client: expect.stringMatching(/ \(me\)$/), service: 'web' },
    ])
    expect(directory.followers('web')).toBe(1)
    client.close()
    await eventually(() => directory.followers('web') === 0)
    expect(server.events.at(-1)).toMatchObject({ event: 'left', service: 'web' })
  })

  it('is sent the endpoints anew when they change, and nothing else', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    for (const type of ['listener', 'route', 'cluster', 'endpoints'] as const) await client.follow(type, ['web'])
    directory.show(web('10.0.0.1:80', '10.0.0.2:80'))
    const response = await client.response(4)
    expect(response.type).toBe('endpoints')
    client.acknowledge(response, ['web'])
    directory.show(web('10.0.0.2:80'))
    expect((await client.response(5)).type).toBe('endpoints')
  })

  it('gets a name that nobody has registered once somebody does', async () => {
    const client = connect()
    // Nothing is known of the service: not that it does not exist either.
    client.send('listener', { resource_names: ['web'] })
    client.send('cluster', { resource_names: ['web'] })
    // An answer to a later request shows that the server has those.
    directory.show(serviceView('other', []))
    await client.follow('route', ['other'])
    expect(client.received).toHaveLength(1)
    directory.show(web('10.0.0.1:80'))
    expect((await client.response(1)).type).toBe('cluster')
    expect((await client.response(2)).resources).toHaveProperty('web')
  })

  it('hears that a service is gone, parents first, and that it is back, children first', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    for (const type of ['listener', 'route', 'cluster', 'endpoints'] as const) await client.follow(type, ['web'])
    directory.show(serviceView('web', [], { exists: false }))
    const gone = [await client.response(4), await client.response(5)]
    expect(gone.map(({ type, resources }) => [type, Object.keys(resources).length])).toEqual([
      ['listener', 0],
      ['cluster', 0],
    ])
    for (const response of gone) client.acknowledge(response, ['web'])
    // An answer to a later request shows that the server has those.
    directory.show(serviceView('other', []))
    await client.follow('route', ['web', 'other'])
    directory.show(web('10.0.0.1:80'))
    await client.response(10)
    const back = client.received.slice(7).map(({ type }) => type)
    expect(back).toEqual(['cluster', 'endpoints', 'listener', 'route'])
  })

  it('is not asked to have patience with names that nobody could register', async () => {
    const client = connect('delta')
    client.send('cluster', { resource_names_subscribe: ['no such/name', 'x'.repeat(300)] })
    expect((await client.response(0)).removed).toHaveLength(2)
  })

  it('that refuses what it gets is heard, with its reason, and goes on being served', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    client.send('endpoints', { resource_names: ['web'], node: { id: 'me' } })
    const { nonce } = await client.response(0)
    const error_detail = { code: 3, message: 'no good\u001b[31m' }
    client.send('endpoints', { resource_names: ['web'], response_nonce: nonce, error_detail })
    const nack = await eventually(() => server.events.find(({ event }) => event === 'nack') ?? false)
    expect(nack).toMatchObject({ type: 'ClusterLoadAssignment', resources: ['web'], reason: 'no good\u001b[31m' })
    directory.show(web('10.0.0.2:80'))
    expect((await client.response(1)).resources).toHaveProperty('web')
  })

  it('comes back with an old version and is sent all anew', async () => {
    directory.show(web('10.0.0.1:80'))
    const first = connect()
    const { version } = await first.follow('endpoints', ['web'])
    const second = connect()
    second.send('endpoints', { resource_names: ['web'], version_info: version })
    expect((await second.response(0)).version).toBe(version)
  })

  it('has the zone it says, or that of the server', async () => {
    await server.close()
    server = await startXdsServer(directory, 0, 'b')
    directory.show(serviceView('web', [served('10.0.0.1:80', { zone: 'a' }), served('10.0.0.2:80', { zone: 'b' })]))
    const first = async (node: object) => {
      const { resources } = await connect().follow('endpoints', ['web'], node)
      return (resources.web!.endpoints as { locality: { zone: string }; priority: number }[])[0]!.locality.zone
    }
    expect(await first({ locality: { zone: 'a' } })).toBe('a')
    expect(await first({})).toBe('b')
  })
})

describe('an Envoy', () => {
  const node = { id: 'edge', user_agent_name: 'envoy' }
  const api = (address: string) => serviceView('api', [served(address)])
  /** Other clusters than without the limit, and the same endpoints. */
  const limited = serviceView('web', [served('10.0.0.1:80')], {
    serviceConfig: { circuitBreakers: { maxRequests: 9 } },
  })

  it('gets a cluster for every service, and hears of new ones and of those that go', async () => {
    directory.show(web('10.0.0.1:80'))
    directory.show(api('10.0.0.9:80'))
    const client = connect()
    const all = await client.follow('cluster', [], node)
    expect(Object.keys(all.resources)).toEqual(['api', 'web'])
    await client.follow('endpoints', ['api', 'web'])
    expect(server.events).toMatchObject([{ event: 'joined', client: expect.stringMatching(/ \(edge\)$/) }])
    directory.show(serviceView('db', [served('10.0.0.5:80')]))
    const three = await client.response(2)
    expect(Object.keys(three.resources)).toEqual(['api', 'db', 'web'])
    client.acknowledge(three, [])
    directory.show(serviceView('api', [], { exists: false }))
    expect(Object.keys((await client.response(3)).resources)).toEqual(['db', 'web'])
    expect(directory.followers('api')).toBe(1)
  })

  it('keeps the cluster of a service whose records went all at once for as long as its endpoints are held', async () => {
    let tell = (_names: readonly string[]) => {}
    directory.followNames = (observer) => {
      tell = observer
      observer(['web'])
      return () => {}
    }
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    await client.follow('cluster', [], node)
    tell([])
    directory.show(api('10.0.0.9:80'))
    tell(['api'])
    const both = await client.response(1)
    expect(Object.keys(both.resources)).toEqual(['api', 'web'])
    client.acknowledge(both, [])
    directory.show(serviceView('web', [], { exists: false }))
    expect(Object.keys((await client.response(2)).resources)).toEqual(['api'])
    await eventually(() => directory.followers('web') === 0)
  })

  it('gets the same in increments', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect('delta')
    client.send('cluster', { node })
    const all = await client.response(0)
    expect(Object.keys(all.resources)).toEqual(['web'])
    client.send('cluster', { response_nonce: all.nonce })
    client.send('endpoints', { resource_names_subscribe: ['web'] })
    client.send('endpoints', { response_nonce: (await client.response(1)).nonce })
    directory.show(api('10.0.0.9:80'))
    const added = await client.response(2)
    expect([added.type, Object.keys(added.resources), added.removed]).toEqual(['cluster', ['api'], []])
    client.send('cluster', { response_nonce: added.nonce })
    directory.show(web('10.0.0.2:80'))
    const changed = await client.response(3)
    expect([changed.type, Object.keys(changed.resources)]).toEqual(['endpoints', ['web']])
    directory.show(serviceView('api', [], { exists: false }))
    expect(await client.response(4)).toMatchObject({ type: 'cluster', resources: {}, removed: ['api'] })
  })

  it('may have everything else from elsewhere, and asks for endpoints alone, without saying so again', async () => {
    directory.show(web('10.0.0.1:80'))
    const whole = connect('endpoints')
    whole.send('', { resource_names: ['web'], node })
    expect(await whole.response(0)).toMatchObject({ type: 'endpoints', resources: { web: {} } })
    const increments = connect('delta endpoints')
    increments.send('endpoints', { resource_names_subscribe: ['web'], node })
    expect(await increments.response(0)).toMatchObject({ type: 'endpoints', resources: { web: {} } })
    increments.send('cluster', { resource_names_subscribe: ['web'] })
    await eventually(() => increments.error !== undefined)
    expect(increments.error?.details).toContain('type_url')
  })

  it('gets the endpoints again after a cluster that changed, and only those', async () => {
    directory.show(web('10.0.0.1:80'))
    directory.show(api('10.0.0.9:80'))
    const client = connect()
    await client.follow('cluster', [], node)
    await client.follow('endpoints', ['api', 'web'])
    directory.show(limited)
    const cluster = await client.response(2)
    const endpoints = await client.response(3)
    expect([cluster.type, endpoints.type, Object.keys(endpoints.resources)]).toEqual(['cluster', 'endpoints', ['web']])
    client.acknowledge(endpoints, ['api', 'web'])
    // A change that has to wait for the answer to the one before is followed by the endpoints too.
    directory.show(web('10.0.0.1:80'))
    client.acknowledge(cluster, [])
    const later = [await client.response(4), await client.response(5)]
    expect(later.map(({ type }) => type)).toEqual(['cluster', 'endpoints'])
  })

  it('gets them in increments too, when it comes back with what it had', async () => {
    directory.show(web('10.0.0.1:80'))
    const first = connect('delta')
    first.send('cluster', { node })
    first.send('endpoints', { resource_names_subscribe: ['web'] })
    await first.response(1)
    const versions = first.received.map(({ versions }) => versions)
    first.send('cluster', { response_nonce: first.received[0]!.nonce })
    first.send('endpoints', { response_nonce: first.received[1]!.nonce })
    directory.show(limited)
    expect([(await first.response(2)).type, (await first.response(3)).type]).toEqual(['cluster', 'endpoints'])
    const second = connect('delta')
    second.send('cluster', { node, initial_resource_versions: versions[0] })
    second.send('endpoints', { resource_names_subscribe: ['web'], initial_resource_versions: versions[1] })
    expect([(await second.response(0)).type, (await second.response(1)).type]).toEqual(['cluster', 'endpoints'])
  })

  it.each(['endpoints', 'delta endpoints'] as const)(
    'that asks for %s alone is told that there are none any more',
    async (form) => {
      directory.show(web('10.0.0.1:80'))
      const client = connect(form)
      client.send('endpoints', { resource_names: ['web'], resource_names_subscribe: ['web'], node })
      const { nonce } = await client.response(0)
      client.send('endpoints', { resource_names: ['web'], response_nonce: nonce })
      directory.show(serviceView('web', [], { exists: false }))
      expect(await client.response(1)).toMatchObject({ resources: { web: { endpoints: [] } }, removed: [] })
    },
  )

  it('that subscribes to listeners gets none, and does not have to wait for it', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    client.send('listener', { resource_names: [], node })
    expect(await client.response(0)).toMatchObject({ type: 'listener', resources: {} })
  })
})

describe('the server', () => {
  it('takes no more requests of a client that reads no responses', async () => {
    directory.show(web(...Array.from({ length: 2000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:80`)))
    const { serialize } = loadProto('xds')['envoy.service.discovery.v3.DiscoveryRequest'] as MessageTypeDefinition<
      object,
      object
    >
    const client = new DeafClient(
      `127.0.0.1:${server.port}`,
      '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    )
    const ask = (names: readonly string[], nonce: string) => {
      const node = { id: 'x'.repeat(4000) }
      client.send(serialize({ type_url: TYPES.endpoints, resource_names: names, response_nonce: nonce, node }))
    }
    ask(['web'], '')
    // Each pair gives the resource up and asks for it again: were it read, there would be a response of 100 kB to each.
    const PAIRS = 300
    for (let nonce = 1; nonce <= PAIRS; nonce++) {
      ask([], String(nonce))
      ask(['web'], String(nonce))
    }
    expect(await client.stalled()).toBeLessThan(PAIRS)
    client.listen()
    await eventually(() => client.taken === 2 * PAIRS + 1)
    client.close()
  })

  it('lets slow clients have the latest and keeps nothing for them', async () => {
    const client = connect()
    directory.show(web('10.0.0.1:80'))
    client.send('endpoints', { resource_names: ['web'], node: { id: 'slow' } })
    const first = await client.response(0)
    for (let i = 2; i < 100; i++) directory.show(web(`10.0.0.${i}:80`))
    client.acknowledge(first, ['web'])
    const { resources } = await client.response(1)
    expect(JSON.stringify(resources)).toContain('10.0.0.99')
    expect(client.received).toHaveLength(2)
  })

  it('leaves types that it does not serve unanswered, and refuses requests without a type', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    client.send('type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret', { resource_names: ['x'] })
    await client.follow('cluster', ['web'])
    expect(client.received).toHaveLength(1)
    client.send('')
    await eventually(() => client.error !== undefined)
    expect(client.error?.details).toContain('type_url')
  })

  it('refuses more names than it keeps', async () => {
    const client = connect()
    client.send('endpoints', { resource_names: Array.from({ length: 20_000 }, (_, i) => `s${i}`) })
    await eventually(() => client.error !== undefined)
    expect(client.error?.code).toBe(8)
    expect(directory.followers('s1')).toBe(0)
  })

  it('ends streams with UNAVAILABLE when it closes, and follows nothing afterwards', async () => {
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    await client.follow('cluster', [])
    await server.close()
    await eventually(() => client.error !== undefined)
    expect(client.error?.code).toBe(14)
    expect(directory.followers('web')).toBe(0)
  })

  it('tells every client of a service the same, made once', async () => {
    directory.show(web('10.0.0.1:80'))
    const all = Array.from({ length: 20 }, () => connect())
    const answers: Received[] = await Promise.all(all.map((client) => client.follow('endpoints', ['web'])))
    expect(new Set(answers.map(({ version }) => version)).size).toBe(1)
    expect(directory.followers('web')).toBe(1)
  })

  it('asks for load reports, counts them and passes them on', async () => {
    const service = loadProto('xds')['envoy.service.load_stats.v3.LoadReportingService'] as Record<
      string,
      { path: string; requestSerialize: (value: object) => Buffer; responseDeserialize: (bytes: Buffer) => object }
    >
    const { path, requestSerialize, responseDeserialize } = service.StreamLoadStats!
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure())
    const stream: ClientDuplexStream<object, object> = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
    )
    stream.on('error', () => undefined)
    const asked = new Promise((resolve) => stream.once('data', resolve))
    stream.write({ node: { id: 'me' } })
    expect(await asked).toMatchObject({ send_all_clusters: true, load_reporting_interval: { nanos: 200_000_000 } })
    const localities = [
      { total_successful_requests: 7, total_error_requests: 2, total_issued_requests: 10 },
      // A client that does not say how many it issued.
      { total_successful_requests: 3, total_error_requests: 1 },
    ]
    const interval = { seconds: 2 }
    const stats = { upstream_locality_stats: localities, total_dropped_requests: 5, load_report_interval: interval }
    stream.write({
      cluster_stats: [
        { cluster_name: 'web', ...stats },
        { cluster_name: 'no service/', ...stats },
      ],
    })
    await eventually(() => directory.reported.length > 0)
    expect(directory.reported).toEqual([{ service: 'web', requests: 14, failed: 3, dropped: 5 }])
    expect(server.events).toEqual([
      {
        event: 'load',
        protocol: 'xds',
        client: expect.stringMatching(/ \(me\)$/),
        service: 'web',
        requests: 14,
        failed: 3,
        dropped: 5,
        seconds: 2,
      },
    ])
    const reports = server.service.meters[1]!.read()
    expect(reports).toMatchObject({ protocol: 'lrs', open: 1, reports: 1 })
    expect(Array.from(reports.streams, (each) => each.read())).toMatchObject([
      { client: expect.stringMatching(/ \(me\)$/), load: [['web', { requests: 14, failed: 3, dropped: 5 }]] },
    ])
    stream.cancel()
    client.close()
    await eventually(() => server.service.meters[1]!.read().open === 0)
  })

  it('counts what it sends by type and how that is answered, and shows what each open stream has', async () => {
    const discovery = () => server.service.meters[0]!.read()
    directory.show(web('10.0.0.1:80'))
    const client = connect()
    const { version } = await client.follow('cluster', ['web'], { id: 'me', locality: { zone: 'a' } })
    client.send('endpoints', { resource_names: ['web'] })
    const { nonce } = await client.response(1)
    const error_detail = { code: 3, message: 'no good' }
    client.send('endpoints', { resource_names: ['web'], response_nonce: nonce, error_detail })
    await eventually(() => discovery().nacks.ClusterLoadAssignment === 1)
    const none = { Listener: 0, RouteConfiguration: 0 }
    expect(discovery()).toMatchObject({
      ...{ protocol: 'xds', open: 1, begun: 1 },
      responses: { ...none, Cluster: 1, ClusterLoadAssignment: 1 },
      acks: { ...none, Cluster: 1, ClusterLoadAssignment: 0 },
      nacks: { ...none, Cluster: 0, ClusterLoadAssignment: 1 },
    })
    const names = new Set(['web'])
    expect(Array.from(discovery().streams, (stream) => stream.read())).toEqual([
      {
        client: expect.stringMatching(/ \(me\)$/),
        since: expect.any(Number),
        zone: 'a',
        subscriptions: [
          { type: 'Cluster', all: false, names, version, rejection: undefined },
          { type: 'ClusterLoadAssignment', all: false, names, version: undefined, rejection: 'no good' },
        ],
        lastNack: { at: expect.any(Number), type: 'ClusterLoadAssignment', reason: 'no good', resources: ['web'] },
        load: [],
      },
    ])
    expect(server.service.followers('web')).toBe(1)
    client.close()
    await eventually(() => discovery().open === 0)
    expect(server.service.followers('web')).toBe(0)
  })

  it('measures how long it takes until the last client is sent a change in the registry', async () => {
    directory.show(web('10.0.0.1:80'))
    const all = Array.from({ length: 5 }, () => connect())
    await Promise.all(all.map((client) => client.follow('endpoints', ['web'])))
    const { now } = systemRuntime.clock
    directory.show(web('10.0.0.2:80'), now() - 1000)
    directory.show(web('10.0.0.3:80'))
    const discovery = server.service.meters[0]!
    await eventually(() => discovery.read().telling.sumMs > 0)
    expect(discovery.read().responses.ClusterLoadAssignment).toBeGreaterThanOrEqual(10)
    expect(discovery.read().telling.sumMs).toBeGreaterThanOrEqual(1000)
    expect(discovery.read().telling.counts.reduce((sum, count) => sum + count)).toBe(1)
  })

  it.each<TypeName>(['listener', 'route', 'cluster', 'endpoints'])(
    'sends the same of type %s to several streams of one client',
    async (type) => {
      directory.show(web('10.0.0.1:80'))
      const [a, b] = [connect(), connect()]
      expect((await a.follow(type, ['web'])).version).toBe((await b.follow(type, ['web'])).version)
    },
  )
})
