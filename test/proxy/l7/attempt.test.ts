import { describe, expect, it } from 'vitest'
import type { PickResult } from '../../../src/core/balancer/contract.js'
import type { Outcome } from '../../../src/core/balancer/upstream.js'
import { Head, NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import { ErrorCode, type Stream, type UpstreamConnection } from '../../../src/core/proxy/http/stream.js'
import { Attempt, type AttemptOwner } from '../../../src/core/proxy/l7/attempt.js'
import { TurnClock } from '../../../src/core/proxy/l7/turn-clock.js'
import { EndpointMeter } from '../../../src/core/proxy/meters.js'
import { Flusher } from '../../../src/core/proxy/transport/flusher.js'
import { ManualClock, settle } from '../../support/manual-clock.js'

const DATA = Buffer.from('data')

function start() {
  const clock = new ManualClock()
  const told: number[] = []
  const outcomes: Outcome[] = []
  const resets: number[] = []
  const left: unknown[] = []
  const meter = new EndpointMeter('10.0.0.1:80')
  const picked = {
    answered: (ms: number) => void told.push(ms),
    done: (outcome: Outcome) => void outcomes.push({ ...outcome }),
  } as unknown as PickResult
  const ignored = () => {}
  const owner: AttemptOwner = {
    sendOn: ignored,
    attemptUnconnected: ignored,
    attemptBroken: ignored,
    relayInterim: ignored,
    relayHead: ignored,
    relayData: ignored,
    relayTrailers: ignored,
    upstreamCredit: ignored,
  }
  const stream = { reset: (code: number) => void resets.push(code) } as unknown as Stream
  const connection = { open: () => stream } as unknown as UpstreamConnection
  const pool = { leave: (waiter: unknown) => void left.push(waiter) }
  const turns = new TurnClock(clock, new Flusher())
  const attempt = new Attempt(owner, picked, { meter } as never, pool as never, turns)
  const pass = async (ms: number) => {
    clock.jump(ms)
    await settle()
  }
  const head = (status: number) => Object.assign(new Head(), { status })
  const open = () => attempt.open(connection, new Head(), NO_FIELDS, true)
  return { attempt, open, head, pass, told, outcomes, resets, left, meter }
}

describe('an attempt', () => {
  it('tells the time to the head of the response at its end', async () => {
    const { attempt, open, head, pass, told, outcomes, meter } = start()
    open()
    expect(meter).toMatchObject({ requests: 1, requestsActive: 1 })
    await pass(30)
    attempt.onHead(head(200), false)
    attempt.onData(DATA, 0, 4, true)
    attempt.complete(-1)
    attempt.complete(-1)
    expect([told, outcomes]).toEqual([[], [{ ok: true, latencyMs: 30, endedAt: 30 }]])
    expect(meter).toMatchObject({ requestsActive: 0, requestsFailed: 0, bytesReceived: 4 })
  })

  it('tells at once of a response that goes on, once', async () => {
    const { attempt, open, head, pass, told } = start()
    open()
    await pass(20)
    attempt.onHead(head(200), false)
    attempt.onData(DATA, 0, 4, false)
    expect(told).toEqual([])
    for (let i = 0; i < 3; i++) {
      await pass(1000)
      attempt.onData(DATA, 0, 4, false)
    }
    expect(told).toEqual([20])
  })

  it('counts a failure of the endpoint by either kind of status', async () => {
    for (const [status, grpcStatus] of [
      [503, -1],
      [200, 14],
    ] as const) {
      const { attempt, open, head, outcomes, meter } = start()
      open()
      attempt.onHead(head(status), false)
      attempt.complete(grpcStatus)
      expect(outcomes).toEqual([{ ok: false, latencyMs: 0, endedAt: 0 }])
      expect(meter.requestsFailed).toBe(1)
    }
  })

  it('passes a load report on', () => {
    const { attempt, open, head, outcomes } = start()
    const load = { rps: 1, eps: 0, cpuUtilization: 0.5, applicationUtilization: 0 }
    open()
    attempt.onHead(head(200), false)
    attempt.complete(0, load)
    expect(outcomes).toEqual([{ ok: true, latencyMs: 0, load }])
  })

  it('cancels what was sent and leaves the queue where nothing was', () => {
    const sent = start()
    sent.open()
    sent.attempt.abandon(undefined)
    expect([sent.resets, sent.left, sent.outcomes]).toEqual([[ErrorCode.CANCEL], [], [{ ok: undefined, endedAt: 0 }]])
    const waiting = start()
    waiting.attempt.abandon(false)
    expect([waiting.resets, waiting.left.length, waiting.outcomes]).toEqual([[], 1, [{ ok: false, endedAt: 0 }]])
    expect(waiting.meter).toMatchObject({ requests: 0, requestsActive: 0 })
  })
})
