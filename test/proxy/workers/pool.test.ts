import { afterEach, describe, expect, it } from 'vitest'
import type { ProxyEvent } from '../../../src/core/proxy/events.js'
import { parseListen } from '../../../src/core/proxy/listen.js'
import { NO_LATENCIES } from '../../../src/core/proxy/latency-histogram.js'
import { createSocketTransport } from '../../../src/core/proxy/transport/socket-transport.js'
import type { Calls } from '../../../src/core/proxy/workers/messages.js'
import { startWorkers } from '../../../src/core/proxy/workers/pool.js'
import { silentLogger } from '../../../src/core/runtime.js'
import { ManualClock } from '../../support/manual-clock.js'
import { seededRandom } from '../../support/seeded-random.js'
import { cleanUp, cleanup, HandResolver } from '../support.js'
import { type Script, scriptedFork, type ScriptedWorker, SILENT } from './support.js'

afterEach(cleanUp)

const configurationOf = (listeners: string[], rest: object = {}) => ({
  options: { listeners: listeners.map(parseListen), ...rest },
  policy: undefined,
})
const listening = (listen: string): ProxyEvent => {
  return { event: 'listening', listen, service: 'web', policy: 'round_robin', ready: 1, endpoints: 1 }
}
/** What a worker was told to run last. */
const configured = ({ calls }: ScriptedWorker) =>
  calls.filter(({ method }) => method === 'start' || method === 'reload').at(-1)!.argument as Calls['start']

async function startPool(script: Script = {}, workers = 3, configuration = configurationOf(['tcp://:8080=web'])) {
  const clock = new ManualClock()
  const runtime = { clock, random: seededRandom(1), log: silentLogger }
  const events: ProxyEvent[] = []
  const forked = scriptedFork(script)
  const resolver = new HandResolver()
  const pool = await startWorkers(
    { workers, configuration, onEvent: (event) => events.push(event) },
    { resolver, fork: forked.fork, transport: createSocketTransport() },
    runtime,
  )
  cleanup(() => pool.close())
  return { pool, clock, events, resolver, workers: forked.workers }
}

describe('a pool of workers', () => {
  it('starts them all with the same listeners, a port 0 being one real port, and tells of each once', async () => {
    const { pool, workers, events } = await startPool(
      {
        answer: (method, worker) => {
          if (method !== 'start') return undefined
          const [{ listen }] = configured(worker).configuration.options.listeners as [ReturnType<typeof parseListen>]
          return worker.tell({ type: 'event', event: listening(`http://127.0.0.1:${listen.port}`) })
        },
      },
      3,
      configurationOf(['http://:0=web'], { maxConnections: 10 }),
    )
    const port = Number(/^http:\/\/127\.0\.0\.1:([1-9]\d*)$/.exec(pool.listening[0]!)![1])
    expect(workers).toHaveLength(3)
    for (const worker of workers) {
      const { options } = configured(worker).configuration
      expect(options.listeners[0]!.listen).toEqual({ scheme: 'http', host: '127.0.0.1', port })
      expect(options.maxConnections).toBe(4)
    }
    expect(events).toEqual([listening(`http://127.0.0.1:${port}`)])
  })

  it('rejects with the error of a worker that cannot listen, and leaves none', async () => {
    const { fork, workers } = scriptedFork({
      answer: (_, worker) => {
        if (worker !== workers[1]) return undefined
        throw { code: 'ADDRESS_IN_USE', message: 'taken', hint: 'another port' }
      },
    })
    const clock = new ManualClock()
    const runtime = { clock, random: seededRandom(1), log: silentLogger }
    const starting = startWorkers(
      { workers: 2, configuration: configurationOf(['tcp://:8080=web']) },
      { resolver: new HandResolver(), fork, transport: createSocketTransport() },
      runtime,
    )
    await expect(starting).rejects.toMatchObject({ code: 'ADDRESS_IN_USE', message: 'taken', hint: 'another port' })
    await clock.advance(60_000)
    expect(workers.map(({ alive }) => alive)).toEqual([false, false])
  })

  it('replaces a worker that ends, with a growing delay, and tells', async () => {
    const { clock, events, workers } = await startPool()
    workers[1]!.end('SIGSEGV')
    expect(events).toMatchObject([{ event: 'worker_exited', worker: 2, reason: 'SIGSEGV' }])
    await clock.advance(500)
    expect(workers).toHaveLength(4)
    expect(events.at(-1)).toEqual({ event: 'worker_started', worker: 2 })
    for (let crash = 0; crash < 12; crash++) {
      workers.at(-1)!.end('status 1')
      await clock.advance(30_000)
    }
    const delays = events.flatMap((event) => (event.event === 'worker_exited' ? [event.restartMs] : []))
    expect(Math.max(...delays)).toBeGreaterThan(1000)
    expect(workers).toHaveLength(16)
  })

  it('goes on trying where a replacement cannot start', async () => {
    let failing = false
    const { clock, events } = await startPool({
      answer: (method) => {
        if (method === 'start' && failing) throw { code: 'ADDRESS_IN_USE', message: 'taken', hint: undefined }
      },
    }).then(async (started) => {
      failing = true
      started.workers[0]!.end('SIGKILL')
      await started.clock.advance(500)
      return started
    })
    expect(events.at(-1)).toMatchObject({ event: 'worker_exited', worker: 1, reason: 'taken' })
    failing = false
    await clock.advance(30_000)
    expect(events.at(-1)).toEqual({ event: 'worker_started', worker: 1 })
  })

  it('lets one worker speak of what all see, and each of its own troubles', async () => {
    const { events, workers, clock } = await startPool()
    const seen: ProxyEvent = { ...listening('tcp://127.0.0.1:8080'), event: 'endpoints' } as ProxyEvent
    const trouble: ProxyEvent = {
      event: 'connection_error',
      listen: 'l',
      service: 'web',
      kind: 'no_endpoints',
      reason: 'none',
      count: 1,
    }
    for (const worker of workers) {
      worker.tell({ type: 'event', event: seen })
      worker.tell({ type: 'event', event: trouble })
    }
    expect(events).toEqual([seen, trouble, trouble, trouble])
    events.length = 0
    workers[0]!.end('SIGKILL')
    workers[1]!.tell({ type: 'event', event: seen })
    workers[2]!.tell({ type: 'event', event: seen })
    expect(events.filter(({ event }) => event === 'endpoints')).toHaveLength(1)
    await clock.advance(500)
    workers[1]!.tell({ type: 'event', event: seen })
    expect(events.filter(({ event }) => event === 'endpoints')).toHaveLength(1)
  })

  it('adds up counters', async () => {
    const stats = {
      listen: 'tcp://127.0.0.1:8080',
      service: 'web',
      connections: { total: 5, active: 2 },
      endpoints: [],
    }
    const { pool } = await startPool({ answer: (method) => (method === 'stats' ? [stats] : undefined) })
    expect(await pool.stats()).toEqual([{ ...stats, connections: { total: 15, active: 6 } }])
  })

  it('reads all workers as one; one that does not answer in time counts with what it said last', async () => {
    const reading = { listen: 'tcp://127.0.0.1:8080', service: 'web', ejections: 2, endpoints: [] }
    const rest = { registry: {}, departedLatency: NO_LATENCIES, pids: [7], connections: { total: 5 } }
    let silent = true
    const { pool, clock, workers } = await startPool({
      answer: (method, worker): unknown => {
        if (method !== 'read') return undefined
        return silent && worker === workers[0] ? SILENT : [{ ...reading, ...rest }]
      },
    })
    const read = async () => {
      const reading = pool.read()
      await clock.advance(2000)
      return reading
    }
    expect(await read()).toMatchObject([{ ...reading, pids: [7, 7], ejections: 4, connections: { total: 10 } }])
    silent = false
    expect(await read()).toMatchObject([{ connections: { total: 15 } }])
    silent = true
    expect(await read()).toMatchObject([{ connections: { total: 15 } }])
  })

  it('reloads every worker, and those that come later; keeps the port of a listener that stays', async () => {
    const { pool, workers, clock } = await startPool({}, 2, configurationOf(['0=web']))
    const before = pool.listening
    await pool.reload(configurationOf(['0=web', 'tcp://:9090=db'], { retries: 2 }), 1000)
    expect(pool.listening).toEqual([...before, 'tcp://127.0.0.1:9090'])
    workers[0]!.end('SIGKILL')
    await clock.advance(500)
    expect(workers).toHaveLength(3)
    for (const worker of workers) expect(configured(worker).configuration.options.retries).toBe(2)
  })

  it('goes back everywhere when one worker cannot reload', async () => {
    const { pool, workers } = await startPool({
      answer: (method, worker) => {
        if (method !== 'reload' || worker !== workers[2]) return undefined
        throw { code: 'ADDRESS_IN_USE', message: 'taken', hint: undefined }
      },
    })
    const before = pool.listening
    const bad = pool.reload(configurationOf(['tcp://:9090=web'], { retries: 2 }), 1000)
    await expect(bad).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    expect(pool.listening).toEqual(before)
    for (const worker of workers.slice(0, 2)) {
      expect(configured(worker).configuration.options.retries).toBeUndefined()
    }
    await expect(pool.reload(configurationOf(['tcp://:1=web'], { retries: -1 }), 0)).rejects.toThrow(/retries/)
  })

  it('drains every worker, replaces none, and says what was broken off', async () => {
    const { pool, workers, clock, events } = await startPool({
      answer: (method) =>
        method === 'drain' ? 2 : method === 'stats' ? [{ connections: { active: 3 }, endpoints: [] }] : 0,
    })
    expect(await pool.drain(5000)).toBe(6)
    await clock.advance(60_000)
    expect(workers.map(({ alive }) => alive)).toEqual([false, false, false])
    expect(workers[0]!.calls.find(({ method }) => method === 'drain')!.argument).toEqual({ timeoutMs: 5000 })
    expect(events).toEqual([
      { event: 'draining', connections: 9 },
      { event: 'stopped', broken: 6 },
    ])
    await expect(pool.reload(configurationOf(['1=web']), 0)).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('ends a worker that does not answer', async () => {
    const { pool, workers, clock } = await startPool({
      answer: (method, worker) => (method !== 'start' && worker === workers[0] ? SILENT : 0),
    })
    const drained = pool.drain(1000)
    await clock.advance(20_000)
    expect(await drained).toBe(0)
    expect(workers.map(({ alive }) => alive)).toEqual([false, false, false])
  })

  it('watches a service once for all workers, and takes what they disprove', async () => {
    const { workers, resolver } = await startPool()
    resolver.set('10.0.0.5:80')
    for (const worker of workers) worker.tell({ type: 'resolve', service: 'web' })
    await new Promise((resolve) => setImmediate(resolve))
    for (const worker of workers) {
      expect(worker.received.filter(({ type }) => type === 'resolution')).toMatchObject([
        { service: 'web', resolution: { kind: 'snapshot', text: expect.stringContaining('10.0.0.5:80') as string } },
      ])
    }
    workers[0]!.tell({ type: 'disprove', service: 'web', address: '10.0.0.5:80' })
    expect(resolver.disproved).toEqual(['10.0.0.5:80'])
    workers[0]!.tell('nonsense' as never)
    workers[0]!.tell({ type: 'answer', id: 99, result: 1 })
  })
})
