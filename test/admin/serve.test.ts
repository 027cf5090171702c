import { spawnSync } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { metricPieces } from '../../src/core/admin/metrics/text.js'
import type { ProcessState } from '../../src/core/admin/process.js'
import { serveAdminSource } from '../../src/core/admin/serve/admin-source.js'
import { MOST_SERVICES, serveSeries } from '../../src/core/admin/serve/series.js'
import type { ServeSource } from '../../src/core/admin/serve/source.js'
import type { ServeState } from '../../src/core/admin/serve/state.js'
import { MOST_CLIENTS } from '../../src/core/admin/serve/view.js'
import { createAdmin } from '../../src/core/admin/start.js'
import type { ControlPlaneEvent } from '../../src/core/control-plane/events.js'
import { Meter } from '../../src/core/control-plane/meter.js'
import type { ControlPlaneReading } from '../../src/core/control-plane/reading.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { eventually } from '../support/eventually.js'
import { ManualClock } from '../support/manual-clock.js'
import { describeWithPeers } from '../support/peers.js'
import { ask } from './support.js'
import { controlPlaneReading, followedReading, streamReading, toldEndpoint } from '../support/control-plane-readings.js'

const PROCESS: ProcessState = {
  ...{ kind: 'serve', version: '1.2.3', pid: 1, startedAt: '2026-01-01T00:00:00.000Z', uptimeMs: 1 },
  ...{ workers: 1, ready: true, draining: false, actions: null },
}

async function startServeAdmin(reading?: ControlPlaneReading) {
  const observers = new Set<(event: ControlPlaneEvent) => void>()
  const source: ServeSource & { reading: ControlPlaneReading | undefined } = {
    reading,
    read: () => source.reading,
    subscribe(observer) {
      observers.add(observer)
      return () => observers.delete(observer)
    },
    configuration: () => ({ serve: { xds: '18000' } }),
  }
  const shown = serveAdminSource(source, { version: '1.2.3', pid: 42 }, systemRuntime)
  const admin = createAdmin(shown, {}, systemRuntime)
  onTestFinished(() => admin.close())
  const url = await admin.listen({ host: '127.0.0.1', port: 0 })
  return {
    ...{ admin, source, observers },
    port: Number(new URL(url).port),
    emit: (event: ControlPlaneEvent) => observers.forEach((observer) => observer(event)),
  }
}

async function linesOf(reading: ControlPlaneReading | undefined): Promise<string[]> {
  let text = ''
  for await (const piece of metricPieces(serveSeries(PROCESS, reading))) text += piece
  return text.split('\n')
}

describe('the admin endpoint of a control plane', () => {
  it('says what there is: nothing that changes anything', async () => {
    const { port } = await startServeAdmin()
    const paths = (await ask(port, '/')).json['paths'] as { method: string; path: string }[]
    expect(paths.map(({ method, path }) => `${method} ${path}`)).toEqual([
      ...['GET /', 'GET /healthz', 'GET /readyz', 'GET /state', 'GET /events', 'GET /metrics', 'GET /config'],
    ])
    expect((await ask(port, '/set', { method: 'POST' })).status).toBe(404)
    expect((await ask(port, '/config')).json).toEqual({ schemaVersion: 1, serve: { xds: '18000' } })
  })

  it('is ready when it listens and knows what to tell, until it drains, and else says what it waits for', async () => {
    const { admin, port, source } = await startServeAdmin()
    const ready = async () => {
      const { status, json } = await ask(port, '/readyz')
      return [status, json['status'], json['unready']]
    }
    expect(await ready()).toEqual([503, 'starting', ['it does not listen yet']])
    expect((await ask(port, '/state')).json).toMatchObject({ process: { ready: false }, listeners: [], services: [] })
    expect((await ask(port, '/metrics')).body).toMatch(/^fairlead_ready 0$/m)
    source.reading = controlPlaneReading([], { isReady: false })
    expect(await ready()).toEqual([503, 'starting', ['nothing is known of the registry yet']])
    source.reading = controlPlaneReading([], { isReady: false, stale: { reason: 'nobody answers', forMs: 5 } })
    expect(await ready()).toEqual([503, 'starting', ['nothing is known of the registry: nobody answers']])
    source.reading = controlPlaneReading([], { stale: { reason: 'nobody answers', forMs: 5 } })
    expect(await ready()).toEqual([200, 'ready', []])
    admin.drain()
    expect(await ready()).toEqual([503, 'draining', []])
  })

  it('shows services, what is told of each endpoint and why not, and the streams of clients', async () => {
    const meter = new Meter('xds', ['Cluster'], new ManualClock())
    const names = new Set(Array.from({ length: 30 }, (_, i) => `s${i}`))
    meter.began(
      streamReading({
        subscriptions: [{ type: 'Cluster', all: false, names, version: 'v1', rejection: 'no good' }],
        lastNack: { at: 0, type: 'Cluster', reason: 'no good', resources: ['web'] },
        load: [['web', { requests: 5, failed: 1, dropped: 0 }]],
      }),
    )
    const web = followedReading('web', [
      toldEndpoint('10.0.0.1:80', { zone: 'a', toldWeight: 7 }),
      toldEndpoint('10.0.0.2:80', {
        ...{ told: 'unhealthy', verdict: 'unhealthy', health: 'unhealthy' },
        fault: { reason: 'connect ECONNREFUSED', since: 0 },
      }),
      toldEndpoint('db.test:80', { told: undefined, toldWeight: undefined, dialed: undefined, verdict: 'unresolved' }),
    ])
    const reading = controlPlaneReading([web, followedReading('api', [])], { meters: [meter] })
    const { port } = await startServeAdmin(reading)
    const { status, json } = await ask(port, '/state')
    expect(status).toBe(200)
    const state = json as unknown as ServeState
    expect(state).toMatchObject({
      schemaVersion: 1,
      process: { kind: 'serve', version: '1.2.3', pid: 42, workers: 1, ready: true, draining: false, actions: null },
      listeners: [{ protocol: 'xds', listen: 'xds://127.0.0.1:18000' }],
      registry: { state: 'live', revision: '9', staleMs: 0, reason: null },
      streams: { xds: 1 },
      clientsOmitted: 0,
    })
    expect(state.services.map(({ service }) => service)).toEqual(['api', 'web'])
    expect(state.services[1]).toMatchObject({ exists: true, followers: { xds: 2 }, registered: 3, policy: null })
    expect(state.services[1]!.endpoints).toMatchObject([
      {
        address: '10.0.0.1:80',
        zone: 'a',
        weight: 3,
        told: 'usable',
        toldWeight: 7,
        reason: 'ready',
        healthReason: '',
      },
      { told: 'unhealthy', healthReason: 'connect ECONNREFUSED', healthSince: '1970-01-01T00:00:00.000Z' },
      { told: null, toldWeight: null, dialed: null, reason: 'its host name does not resolve', healthSince: null },
    ])
    expect(state.clients).toMatchObject([
      {
        ...{ client: '10.9.9.9:1 (me)', protocol: 'xds', since: '1970-01-01T00:00:00.000Z', zone: null },
        subscriptions: [{ type: 'Cluster', all: false, count: 30, version: 'v1', rejection: 'no good' }],
        lastNack: { time: '1970-01-01T00:00:00.000Z', type: 'Cluster', reason: 'no good', resources: ['web'] },
        load: [{ service: 'web', requests: 5, failed: 1, dropped: 0 }],
      },
    ])
    expect(state.clients[0]!.subscriptions[0]!.names).toHaveLength(20)
  })

  it('shows so many clients only, and says how many it leaves out', async () => {
    const meter = new Meter('grpclb', ['ServerList'], new ManualClock())
    for (let i = 0; i < MOST_CLIENTS + 3; i++) meter.began(streamReading())
    const { port } = await startServeAdmin(controlPlaneReading([], { meters: [meter] }))
    const state = (await ask(port, '/state')).json as unknown as ServeState
    expect([state.clients.length, state.clientsOmitted]).toEqual([MOST_CLIENTS, 3])
  })

  it('tells what happens, and keeps what load is reported for nobody', async () => {
    const { port, emit, observers, admin } = await startServeAdmin()
    const load = { event: 'load', protocol: 'xds', client: 'c', service: 'web' } as const
    const counts = { requests: 1, failed: 0, dropped: 0, seconds: 1 }
    emit({ event: 'live' })
    emit({ ...load, ...counts })
    const lines: string[] = []
    const reading = fetch(`http://127.0.0.1:${port}/events`).then(async ({ body }) => {
      for await (const chunk of body!) lines.push(...Buffer.from(chunk).toString().trim().split('\n'))
    })
    await eventually(() => lines.length === 1)
    emit({ ...load, ...counts })
    await eventually(() => lines.length === 2)
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { schemaVersion: 1, seq: 1, event: 'live' },
      { schemaVersion: 1, seq: 2, event: 'load', service: 'web' },
    ])
    await admin.close()
    await reading.catch(() => undefined)
    expect(observers.size).toBe(0)
  })
})

describe('metrics of a control plane', () => {
  it('are counters as they are, with few labels', async () => {
    const clock = new ManualClock()
    const meter = new Meter('xds', ['Cluster', 'Listener'], clock)
    meter.began(streamReading())
    meter.sent('Cluster')
    meter.answered('Cluster', 'nack')
    const [heardAt] = [clock.now()]
    await clock.advance(3)
    meter.told(heardAt)
    const reports = new Meter('lrs', [], clock)
    reports.reported()
    const web = followedReading('web', [toldEndpoint('10.0.0.1:80')], { load: { requests: 7, failed: 2, dropped: 1 } })
    const stale = { reason: 'nobody answers', forMs: 1500 }
    const lines = await linesOf(controlPlaneReading([web], { meters: [meter, reports], stale }))
    for (const line of [
      'fairlead_build_info{version="1.2.3"} 1',
      'fairlead_streams_open{protocol="xds"} 1',
      'fairlead_streams_total{protocol="xds"} 1',
      'fairlead_streams_open{protocol="lrs"} 0',
      'fairlead_load_reports_total{protocol="lrs"} 1',
      'fairlead_responses_total{type="Cluster",protocol="xds"} 1',
      'fairlead_responses_total{type="Listener",protocol="xds"} 0',
      'fairlead_acks_total{type="Cluster",protocol="xds"} 0',
      'fairlead_nacks_total{type="Cluster",protocol="xds"} 1',
      'fairlead_propagation_seconds_bucket{le="0.002",protocol="xds"} 0',
      'fairlead_propagation_seconds_bucket{le="0.004",protocol="xds"} 1',
      'fairlead_propagation_seconds_bucket{le="+Inf",protocol="xds"} 1',
      'fairlead_propagation_seconds_sum{protocol="xds"} 0.003',
      'fairlead_propagation_seconds_count{protocol="xds"} 1',
      'fairlead_services_followed 1',
      'fairlead_registry_up 0',
      'fairlead_registry_stale_seconds 1.5',
      'fairlead_registry_revision 9',
      'fairlead_service_followers{protocol="xds",service="web"} 2',
      'fairlead_service_endpoints{state="usable",service="web"} 1',
      'fairlead_service_endpoints{state="draining",service="web"} 0',
      'fairlead_service_requests_total{service="web"} 7',
      'fairlead_service_failures_total{service="web"} 2',
      'fairlead_service_drops_total{service="web"} 1',
    ]) {
      expect(lines).toContain(line)
    }
    // Clients of xDS report by LRS.
    expect(lines.filter((line) => line.startsWith('fairlead_load_reports_total{'))).toHaveLength(1)
    expect(new Set(lines.filter(Boolean)).size).toBe(lines.filter(Boolean).length)
  })

  it('are of so many services only, and of none that the registry does not know', async () => {
    const many = Array.from({ length: MOST_SERVICES + 2 }, (_, i) => followedReading(`s${i}`, []))
    const lines = await linesOf(controlPlaneReading([followedReading('made-up', [], { exists: false }), ...many]))
    expect(lines.filter((line) => line.startsWith('fairlead_service_registered{'))).toHaveLength(MOST_SERVICES)
    expect(lines).toContain('fairlead_services_omitted 2')
    expect(lines).toContain(`fairlead_services_followed ${MOST_SERVICES + 3}`)
    expect(lines.filter((line) => line.includes('made-up'))).toEqual([])
  })
})

describeWithPeers(['promtool'], 'metrics of a control plane, by promtool', () => {
  it('are what Prometheus expects', async () => {
    const clock = new ManualClock()
    const meters = [
      new Meter('grpclb', ['ServerList'], clock),
      new Meter('xds', ['Cluster', 'Listener'], clock),
      new Meter('lrs', [], clock),
    ]
    const services = [followedReading('web', [toldEndpoint('10.0.0.1:80')]), followedReading('api', [])]
    const { port } = await startServeAdmin(controlPlaneReading(services, { meters }))
    const { body } = await ask(port, '/metrics')
    expect(body).toContain('fairlead_propagation_seconds_bucket')
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
    expect(checked).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })
})
