/**
 * A program: `load.js HOST PORT RATE` sends RATE requests a second, each on a connection of its own, and reports on
 * stdout what answered (LoadReport). On SIGTERM it starts nothing new, waits for what is under way, reports once more and ends.
 */
import { Agent, get } from 'node:http'
import type { LoadReport } from './load-report.js'

const TICK_MS = 10
const REPORT_MS = 250
const REQUEST_TIMEOUT_MS = 10_000
const MAX_IN_FLIGHT = 256
/** How far it may fall behind before it stops trying to catch up. */
const MAX_DEBT = 50

const [host = '127.0.0.1', port = '', rate = '300'] = process.argv.slice(2)
const agent = new Agent({ keepAlive: false, maxSockets: Infinity })

let answers = new Map<string, number>()
let failed = 0
let firstError: string | undefined
let inFlight = 0
let stopping = false
let reportedAt = performance.now()
let debt = 0
let tickedAt = performance.now()

function send(): void {
  inFlight++
  let over = false
  const finish = (address: string | undefined, error?: string) => {
    if (over) return
    over = true
    inFlight--
    if (address !== undefined) {
      answers.set(address, (answers.get(address) ?? 0) + 1)
    } else {
      failed++
      firstError ??= error
    }
    if (stopping && inFlight === 0) end()
  }
  const request = get({ host, port: Number(port), agent, timeout: REQUEST_TIMEOUT_MS }, (response) => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => (body += chunk))
    response.on('error', (error) => finish(undefined, error.message))
    response.on('close', () => {
      if (!response.complete) finish(undefined, 'the answer was cut short')
      else if (response.statusCode !== 200) finish(undefined, `answered with status ${response.statusCode}`)
      else finish(body)
    })
  })
  request.on('timeout', () => request.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS / 1000} s`)))
  request.on('error', (error) => finish(undefined, error.message))
}

function tick(): void {
  const now = performance.now()
  debt = Math.min(MAX_DEBT, debt + ((now - tickedAt) * Number(rate)) / 1000)
  tickedAt = now
  while (debt >= 1 && inFlight < MAX_IN_FLIGHT) {
    debt--
    send()
  }
}

function report(): void {
  const now = performance.now()
  const line: LoadReport = {
    answers: [...answers],
    failed,
    ...(firstError === undefined ? {} : { error: firstError }),
    ms: now - reportedAt,
  }
  process.stdout.write(JSON.stringify(line) + '\n')
  answers = new Map()
  failed = 0
  firstError = undefined
  reportedAt = now
}

const ticking = setInterval(tick, TICK_MS)
const reporting = setInterval(report, REPORT_MS)

function end(): void {
  clearInterval(reporting)
  report()
  agent.destroy()
}

process.once('SIGTERM', () => {
  stopping = true
  clearInterval(ticking)
  if (inFlight === 0) end()
})
// The reader is gone: nobody wants the rest.
process.stdout.on('error', () => process.exit(1))
