import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { LatencyHistogram } from '../src/core/proxy/latency-histogram.js'
import { freePort, type Started, startProcess } from './support/processes.js'
import { type Benchmark, type BenchContext, type Row, row } from './support/shape.js'

const RUN_JS = fileURLToPath(new URL('../bin/run.js', import.meta.url))
const MONITOR = new URL('admin/hold-monitor.mjs', import.meta.url).href

const ENDPOINTS = 1000
/** Enough that each endpoint has answered, and latencies have spread. */
const REQUESTS = 8000
const LOOKS_A_ROUND = 5
/** What the event loop may be held at most: everything else waits as long. */
const GOAL_MS = 10

/** What it costs a proxy to be looked into. What the reader costs per request is among the features of `l7`. */
const benchmark: Benchmark = {
  name: 'admin',
  async run(context) {
    const watched = await WatchedProxy.start()
    try {
      context.note(
        `${ENDPOINTS.toLocaleString('en-US')} endpoints. A hold is the CPU time of the longest turn of the proxy's event loop during an answer.`,
      )
      const rows: Row[] = []
      for (const path of ['/metrics', '/state']) rows.push(await holdRow(watched, path, context))
      return [...rows, recordingRow(context)]
    } finally {
      await watched.close()
    }
  },
}

async function holdRow(watched: WatchedProxy, path: string, { rounds, progress }: BenchContext): Promise<Row> {
  const holds: number[] = []
  let bytes = 0
  // The first answers load and compile what makes them.
  for (let i = 0; i < LOOKS_A_ROUND; i++) await watched.ask(path)
  for (let round = 0; round < rounds; round++) {
    progress(`${path}, round ${round + 1} of ${rounds}`)
    for (let i = 0; i < LOOKS_A_ROUND; i++) {
      await watched.watchTurns('/begin')
      bytes = (await watched.ask(path)).length
      holds.push(await watched.watchTurns('/end'))
    }
  }
  return row(`GET ${path}: longest hold`, holds, {
    unit: 'ms',
    goal: GOAL_MS,
    details: { 'kB answered': bytes / 1000 },
  })
}

/** What is done for every request. */
function recordingRow({ rounds, progress }: BenchContext): Row {
  const count = 5_000_000
  const values: number[] = []
  progress('recording latencies')
  for (let round = 0; round <= rounds; round++) {
    const histograms = Array.from({ length: 16 }, () => new LatencyHistogram())
    const { user } = process.cpuUsage()
    for (let i = 0; i < count; i++) histograms[i & 15]!.record((i * 7919) & 4095)
    if (round > 0) values.push(((process.cpuUsage().user - user) * 1000) / count)
  }
  return row('recording a latency', values, { unit: 'ns', note: 'of 3,000 and more that relaying a call takes' })
}

/** A proxy over many endpoints, all of which have answered requests. */
class WatchedProxy {
  readonly #proxy: Started
  readonly #adminPort: number
  readonly #holdPort: number
  readonly #closeBackend: () => void

  private constructor(proxy: Started, adminPort: number, holdPort: number, closeBackend: () => void) {
    this.#proxy = proxy
    this.#adminPort = adminPort
    this.#holdPort = holdPort
    this.#closeBackend = closeBackend
  }

  static async start(): Promise<WatchedProxy> {
    const backend = createServer((_, response) => response.end('ok')).listen(0, '0.0.0.0')
    await once(backend, 'listening')
    const { port } = backend.address() as AddressInfo
    // All of 127.0.0.0/8 is this machine.
    const addresses = Array.from({ length: ENDPOINTS }, (_, i) => `127.0.${1 + (i >> 8)}.${i & 255}:${port}`)
    const [adminPort, holdPort] = [await freePort(), await freePort()]
    const args = ['proxy', `http://:0=${addresses.join(',')}`, '--admin', String(adminPort), '-o', 'ndjson']
    const command = ['env', `HOLD_PORT=${holdPort}`, process.execPath, '--import', MONITOR, RUN_JS, ...args]
    const read = (line: string) => Number(/:(\d+)$/.exec((JSON.parse(line) as { listen: string }).listen)![1])
    const started = await startProcess(command[0]!, command.slice(1), { read })
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })
    const work = async () => {
      for (let i = 0; i < REQUESTS / 16; i++) await fetchText(started.port, '/', agent)
    }
    await Promise.all(Array.from({ length: 16 }, work))
    agent.destroy()
    return new WatchedProxy(started, adminPort, holdPort, () => {
      backend.close()
      backend.closeAllConnections()
    })
  }

  ask(path: string): Promise<string> {
    return fetchText(this.#adminPort, path)
  }

  /**
   * Begins to watch the turns of its event loop, or ends that and resolves with the CPU time of the longest,
   * milliseconds.
   */
  async watchTurns(what: '/begin' | '/end'): Promise<number> {
    return Number(await fetchText(this.#holdPort, what))
  }

  async close(): Promise<void> {
    await this.#proxy.stop()
    this.#closeBackend()
  }
}

function fetchText(port: number, path: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: agent ?? false }, (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text)).on('error', reject)
    })
    request.on('error', reject)
  })
}

export default benchmark
