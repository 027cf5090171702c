import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { adminState, endpointView, listenerView } from '../test/top/support/states.js'
import { RUN_JS } from './support/cli.js'
import { cpuMicroseconds } from './support/processes.js'
import { type Benchmark, row, skipped } from './support/shape.js'

const ENDPOINTS = 1000
const REQUESTS_PER_SECOND = 10_000
const WARM_UP_MS = 5000
const MEASURED_MS = 10_000
const NAME = `fairlead top, ${ENDPOINTS} endpoints, 80×24`
const UNIT = { unit: '% of a core', goal: 10 }

/** What the live view costs while every figure of a large service changes. */
const benchmark: Benchmark = {
  name: 'top',
  async run({ rounds, progress, note }) {
    if (spawnSync('tmux', ['-V']).status !== 0) return [skipped(NAME, 'tmux is not installed', UNIT)]
    note('The state is asked for twice a second whatever the traffic, so the rate of requests is not a factor.')
    const server = await startAdmin()
    const shares: number[] = []
    try {
      for (let i = 0; i < rounds; i++) {
        progress(`round ${i + 1} of ${rounds}`)
        shares.push(await measure((server.address() as AddressInfo).port))
      }
    } finally {
      server.close()
      server.closeAllConnections()
    }
    return [row(NAME, shares, UNIT)]
  },
}

export default benchmark

/** How much of a core the view takes in front of the admin endpoint on `port`, percent. */
async function measure(port: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-'))
  const pidFile = join(folder, 'pid')
  const tmux = (...args: string[]) =>
    spawnSync('tmux', ['-L', folder.replaceAll('/', '-'), ...args], { encoding: 'utf8' })
  const command = `echo $$ > ${pidFile}; exec env -u CI -u NO_COLOR ${process.execPath} ${RUN_JS} top 127.0.0.1:${port}`
  try {
    tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', 'sh', '-c', command)
    await pause(WARM_UP_MS)
    if (!tmux('capture-pane', '-p').stdout.includes('1000 in rotation')) throw new Error('the view did not open')
    const pid = Number(readFileSync(pidFile, 'utf8'))
    const [used, at] = [cpuMicroseconds(pid), performance.now()]
    await pause(MEASURED_MS)
    return (cpuMicroseconds(pid) - used) / 10 / (performance.now() - at)
  } finally {
    tmux('kill-server')
    rmSync(folder, { recursive: true })
  }
}

/** An admin endpoint whose figures are never the same twice. */
async function startAdmin(): Promise<Server> {
  let asked = 0
  const server = createServer((request, response) => {
    if (request.url !== '/state') return response.flushHeaders()
    asked++
    response.end(JSON.stringify(stateAfter(asked)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function stateAfter(asked: number) {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, i) => {
    const wave = 1 + Math.sin(asked / 3 + i) / 2
    return endpointView(`10.0.${Math.floor(i / 250)}.${i % 250}:8080`, {
      zone: `zone-${i % 3}`,
      meta: { version: '1.4', region: 'eu-west-1' },
      share: wave / ENDPOINTS,
      expectedShare: 1 / ENDPOINTS,
      ratePerSecond: (wave * REQUESTS_PER_SECOND) / ENDPOINTS,
      successRate: 1 - wave / 1000,
      p50Ms: wave,
      p95Ms: wave * 3,
      p99Ms: wave * 9,
      inFlight: Math.round(wave * 3),
      picks: Math.round((asked * wave * REQUESTS_PER_SECOND) / ENDPOINTS),
    })
  })
  const busy = { ratePerSecond: REQUESTS_PER_SECOND, successRate: 0.999, p50Ms: 1, p95Ms: 3, p99Ms: 9, inFlight: 3000 }
  return adminState([listenerView({ endpoints, ...busy })])
}
