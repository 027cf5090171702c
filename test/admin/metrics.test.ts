import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { metricPieces } from '../../src/core/admin/metrics/text.js'
import type { ProcessState } from '../../src/core/admin/process.js'
import { MOST_ENDPOINTS, proxySeries } from '../../src/core/admin/proxy/series.js'
import type { ListenerReading } from '../../src/core/proxy/reading.js'
import { ask1, startHttp1 } from '../proxy/l7/servers.js'
import { cleanUp, startTestProxy } from '../proxy/support.js'
import { describeWithPeers } from '../support/peers.js'
import { endpointReading, latencies, listenerReading } from '../support/readings.js'
import { ask, testAdmin, TestSource } from './support.js'

afterEach(cleanUp)

const PROCESS: ProcessState = {
  ...{ kind: 'proxy', version: '1.2.3', pid: 1, startedAt: '2026-01-01T00:00:00.000Z', uptimeMs: 1 },
  ...{ workers: 2, ready: true, draining: false, actions: null },
}

async function linesOf(...listeners: ListenerReading[]): Promise<string[]> {
  let text = ''
  for await (const piece of metricPieces(proxySeries(PROCESS, listeners))) text += piece
  expect(text.endsWith('\n')).toBe(true)
  return text.split('\n')
}

describe('metrics', () => {
  it('are counters as they are, each once for every listener and endpoint', async () => {
    const lines = await linesOf(
      listenerReading([
        endpointReading('a:1', { succeeded: 7, failed: 2, latency: latencies(64, 128) }),
        endpointReading('b:1'),
      ]),
      listenerReading([endpointReading('a:1')], { service: 'db', listen: 'tcp://127.0.0.1:2' }),
    )
    const labels = 'listener="tcp://127.0.0.1:1",service="web",endpoint="a:1"'
    expect(lines).toContain('fairlead_build_info{version="1.2.3"} 1')
    expect(lines).toContain('process_start_time_seconds 1767225600')
    expect(lines).toContain(`fairlead_endpoint_outcomes_total{outcome="success",${labels}} 7`)
    expect(lines).toContain(`fairlead_endpoint_outcomes_total{outcome="failure",${labels}} 2`)
    expect(lines).toContain(`fairlead_endpoint_latency_seconds_sum{${labels}} 0.003`)
    expect(lines).toContain(`fairlead_endpoint_latency_seconds_count{${labels}} 2`)
    expect(lines.filter((line) => line.startsWith('fairlead_endpoint_picks_total{'))).toHaveLength(3)
    expect(new Set(lines.filter(Boolean)).size).toBe(lines.filter(Boolean).length)
  })

  it('keep latencies of endpoints that have left in the histogram of their listener', async () => {
    const lines = await linesOf(
      listenerReading([endpointReading('a:1', { latency: latencies(65, 6400) })], {
        departedLatency: latencies(63, 64),
      }),
    )
    const bucket = (le: string) =>
      lines.find((line) => line.startsWith(`fairlead_listener_latency_seconds_bucket{le="${le}"`))!.split(' ')[1]
    expect(['0.0005', '0.001', '0.002', '0.064', '0.128', '16.384', '+Inf'].map(bucket)).toEqual([
      '0',
      '1',
      '3',
      '3',
      '4',
      '4',
      '4',
    ])
    expect(lines).toContain('fairlead_listener_latency_seconds_count{listener="tcp://127.0.0.1:1",service="web"} 4')
  })

  it('count endpoints by what is made of them, absent ones too', async () => {
    const lines = await linesOf(listenerReading([endpointReading('a:1', { verdict: 'drain' }), endpointReading('b:1')]))
    const of = (verdict: string) =>
      lines.find((line) => line.startsWith(`fairlead_listener_endpoints{verdict="${verdict}"`))!.split(' ')[1]
    expect(['ready', 'drain', 'ejected'].map(of)).toEqual(['1', '1', '0'])
  })

  it('are of so many endpoints only, and say how many are left out', async () => {
    const many = Array.from({ length: MOST_ENDPOINTS + 7 }, (_, i) => endpointReading(`e${i}:1`))
    const lines = await linesOf(listenerReading(many))
    expect(lines.filter((line) => line.startsWith('fairlead_endpoint_picks_total{'))).toHaveLength(MOST_ENDPOINTS)
    expect(lines).toContain('fairlead_endpoints_omitted 7')
    expect(lines.filter((line) => line.startsWith('# TYPE fairlead_endpoint_picks_total '))).toHaveLength(1)
  })

  it('escape what comes from elsewhere', async () => {
    const lines = await linesOf(listenerReading([endpointReading('a"\\\n:1')]))
    expect(lines.some((line) => line.includes('endpoint="a\\"\\\\\\n:1"'))).toBe(true)
  })
})

describeWithPeers(['promtool'], 'metrics, by promtool', () => {
  it('are what Prometheus expects, from a proxy that works', async () => {
    const good = await startHttp1((_, response) => response.end('a'))
    const bad = await startHttp1((_, response) => response.writeHead(503).end())
    const options = { listen: 'http://127.0.0.1:0' }
    const { proxy, port } = await startTestProxy(`${good.address},${bad.address}`, options)
    for (let i = 0; i < 20; i++) await ask1(port)
    const source = Object.assign(new TestSource(), { read: async () => proxy.read() })
    const admin = testAdmin(source)
    const url = await admin.listen({ host: '127.0.0.1', port: 0 })
    const { headers, body } = await ask(Number(new URL(url).port), '/metrics')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toMatch(/fairlead_listener_responses_total\{class="2xx",[^}]*\} [1-9]/)
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
    expect(checked).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })
})
