import { describe, expect, it } from 'vitest'
import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { Head } from '../../../src/core/proxy/http/head.js'
import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { type Deadlined, Deadlines } from '../../../src/core/proxy/l7/deadlines.js'
import { ForwardedFields } from '../../../src/core/proxy/l7/forwarded.js'
import { encodeGrpcMessage, grpcStatusOfReset, isEndpointFailure } from '../../../src/core/proxy/l7/grpc-status.js'
import { rewriteCall } from '../../../src/core/proxy/l7/request-head.js'
import { RetryBudget } from '../../../src/core/proxy/l7/retry-budget.js'
import { RetryThrottle } from '../../../src/core/proxy/l7/retry-throttle.js'
import { backoffMs, pushbackMs } from '../../../src/core/proxy/l7/retry.js'
import { REPLAY_BYTES, SavedRequests } from '../../../src/core/proxy/l7/saved-request.js'
import { TurnClock } from '../../../src/core/proxy/l7/turn-clock.js'
import { WaitingRoom } from '../../../src/core/proxy/l7/waiting-room.js'
import { Ticker } from '../../../src/core/proxy/ticker.js'
import { Flusher } from '../../../src/core/proxy/transport/flusher.js'
import { fields } from '../../support/fields.js'
import { ManualClock, settle } from '../../support/manual-clock.js'

function headOf(...pairs: [string, string][]): Head {
  const head = new Head()
  head.block = encodeFields(pairs)
  head.length = head.block.length
  return head
}

function textOf(block: Buffer, length = block.length): string[] {
  const found: string[] = []
  fields(block, length, (name, value) => found.push(`${name}: ${value}`))
  return found
}

describe('the waiting room', () => {
  it('has every call look again at each tick, but none that another one ended meanwhile', async () => {
    const clock = new ManualClock()
    const room = new WaitingRoom(new Ticker(clock))
    const looked: string[] = []
    const second = { lookAgain: () => void looked.push('second') }
    const third = {
      lookAgain: () => {
        looked.push('third')
        room.enter(third)
      },
    }
    const first = {
      lookAgain: () => {
        looked.push('first')
        room.leave(second)
      },
    }
    for (const call of [first, second, third]) room.enter(call)
    await clock.advance(100)
    expect([looked, room.size]).toEqual([['first', 'third'], 1])
    await clock.advance(100)
    expect(looked).toEqual(['first', 'third', 'third'])
    room.leave(third)
    await clock.advance(300)
    expect([looked.length, room.size]).toEqual([3, 0])
  })
})

describe('deadlines', () => {
  class Item implements Deadlined {
    place = -1
    times = 0
    constructor(readonly deadline: number) {}
    timeOut(): void {
      this.times++
    }
  }

  it('pass once each, whatever is added and removed around them', async () => {
    const clock = new ManualClock()
    const deadlines = new Deadlines(new Ticker(clock))
    const items = [3, 1, 2, 2, 5].map((deadline) => new Item(deadline))
    for (const item of items) deadlines.add(item)
    deadlines.remove(items[2]!)
    deadlines.remove(items[2]!)
    await clock.advance(250)
    expect(items.map(({ times }) => times)).toEqual([0, 1, 0, 1, 0])
    await clock.advance(1000)
    expect(items.map(({ times }) => times)).toEqual([1, 1, 0, 1, 1])
    expect(items.map(({ place }) => place)).toEqual([-1, -1, -1, -1, -1])
    await clock.advance(200)
    expect(clock.pending).toBe(0)
  })
})

describe('the retry budget', () => {
  it('allows a fifth of the requests and ten a second once what was saved is used up', async () => {
    const clock = new ManualClock()
    const ticker = new Ticker(clock)
    ticker.watch({ deadline: Infinity, expire() {} })
    const budget = new RetryBudget(ticker)
    let saved = 0
    while (budget.take()) saved++
    expect(saved).toBe(1000)
    for (let i = 0; i < 50; i++) budget.deposit()
    let retries = 0
    while (budget.take()) retries++
    expect(retries).toBe(10)
    await clock.advance(1000)
    while (budget.take()) retries++
    expect(retries).toBe(20)
  })
})

describe('retry throttling', () => {
  it('stops at half of the tokens and begins again above it', () => {
    const throttle = new RetryThrottle()
    throttle.failed()
    expect(throttle.allows).toBe(true)
    throttle.configure({ maxTokens: 4, tokenRatio: 0.5 })
    throttle.failed()
    expect(throttle.allows).toBe(true)
    throttle.failed()
    expect(throttle.allows).toBe(false)
    throttle.succeeded()
    expect(throttle.allows).toBe(true)
    for (let i = 0; i < 20; i++) throttle.succeeded()
    throttle.failed()
    expect(throttle.allows).toBe(true)
    throttle.failed()
    expect(throttle.allows).toBe(false)
    throttle.configure(undefined)
    expect(throttle.allows).toBe(true)
  })

  it('waits longer each time, up to the most', () => {
    const policy = {
      maxAttempts: 5,
      initialBackoffMs: 100,
      maxBackoffMs: 500,
      backoffMultiplier: 3,
      retryable: new Set([14]),
    }
    expect([1, 2, 3, 4].map((n) => backoffMs(policy, n, 0.5))).toEqual([100, 300, 500, 500])
    expect(backoffMs(policy, 1, 0)).toBeCloseTo(80)
    expect(backoffMs(policy, 1, 1)).toBeCloseTo(120)
  })

  it.each([
    ['100', 100],
    ['0', 0],
    ['-1', -1],
    ['soon', -1],
  ])('reads a pushback of %s', (value, ms) => {
    expect(pushbackMs(headOf(['grpc-retry-pushback-ms', value]))).toBe(ms)
    expect(pushbackMs(headOf(['grpc-status', '14']))).toBeUndefined()
  })
})

describe('saved requests', () => {
  it('keep a head and a body apart from the buffers they came in', () => {
    const requests = new SavedRequests()
    const head = headOf([':method', 'POST'], ['x-long', 'v'.repeat(600)])
    head.timeoutMs = 5
    const saved = requests.save(head)
    const before = textOf(head.block)
    const piece = Buffer.from('some body')
    for (let i = 0; i < 100; i++) requests.append(saved, piece, 5, 4)
    head.block.fill(0)
    piece.fill(0)
    expect(textOf(saved.head.block, saved.head.length)).toEqual(before)
    expect(saved.head.timeoutMs).toBe(5)
    expect(saved.body.toString('latin1', 0, saved.bodyLength)).toBe('body'.repeat(100))
    requests.give(saved)
    const next = requests.save(headOf([':method', 'GET']))
    expect(next).toBe(saved)
    expect([next.bodyLength, next.trailers, next.head.timeoutMs]).toEqual([0, undefined, Infinity])
  })

  it('are not worth keeping once they are long, alone or together', () => {
    const requests = new SavedRequests()
    const saved = requests.save(new Head())
    const piece = Buffer.alloc(REPLAY_BYTES)
    expect(requests.append(saved, piece, 0, REPLAY_BYTES)).toBe(true)
    expect(requests.append(saved, piece, 0, 1)).toBe(false)
    requests.give(saved)
    let kept = 0
    while (requests.append(requests.save(new Head()), piece, 0, REPLAY_BYTES)) kept++
    expect(kept).toBe(512)
  })
})

describe('the clock of a turn', () => {
  it('is read once in each', async () => {
    const clock = new ManualClock()
    const turns = new TurnClock(clock, new Flusher())
    expect(turns.now()).toBe(0)
    clock.jump(5)
    expect(turns.now()).toBe(0)
    await settle()
    expect(turns.now()).toBe(5)
  })
})

describe('what is said of the client', () => {
  const facts = { client: '192.0.2.1', scheme: 'https', version: '2', trusted: false } as const
  const request = (...more: [string, string][]) =>
    headOf([':method', 'GET'], [':scheme', 'https'], [':path', '/'], ...more)

  it('is made once for each host in a row', () => {
    const forwarded = new ForwardedFields(facts)
    const first = forwarded.for(request([':authority', 'a.example:81']))
    expect(textOf(first)).toEqual([
      'x-forwarded-for: 192.0.2.1',
      'x-forwarded-proto: https',
      'x-forwarded-host: a.example:81',
      'forwarded: for=192.0.2.1;host="a.example:81";proto=https',
      'via: 2 fairlead',
    ])
    expect(forwarded.for(request([':authority', 'a.example:81'], ['x', 'y']))).toBe(first)
    expect(textOf(forwarded.for(request([':authority', 'b.example'])))).toContain('x-forwarded-host: b.example')
    expect(textOf(forwarded.for(request()))).not.toContain('x-forwarded-host: b.example')
  })

  it('tells a host from another one that is sent as the same octets, but Huffman-coded', () => {
    const forwarded = new ForwardedFields(facts)
    const plain = headOf([':authority', 'dag'])
    expect(textOf(forwarded.for(plain))).toContain('x-forwarded-host: dag')
    const coded = headOf()
    coded.block = Buffer.from([0x01, 0x83, ...Buffer.from('dag')])
    coded.length = coded.block.length
    expect(textOf(coded.block)).toEqual([':authority: 3a13'])
    expect(textOf(forwarded.for(coded))).toContain('x-forwarded-host: 3a13')
  })

  it('quotes IPv6 addresses, and leaves out what would not be safe to repeat', () => {
    const ipv6 = new ForwardedFields({ ...facts, client: '2001:db8::1' })
    expect(textOf(ipv6.for(request([':authority', 'a"b'])))).toEqual([
      'x-forwarded-for: 2001:db8::1',
      'x-forwarded-proto: https',
      'forwarded: for="[2001:db8::1]";proto=https',
      'via: 2 fairlead',
    ])
    const socket = new ForwardedFields({ ...facts, client: 'unix:/run/x' })
    expect(textOf(socket.for(request()))).toContain('forwarded: for=unknown;proto=https')
  })

  it('adds to what a trusted client says, and does not say it again', () => {
    const forwarded = new ForwardedFields({ ...facts, trusted: true })
    const head = request([':authority', 'a'], ['x-forwarded-proto', 'http'], ['x-forwarded-host', 'b'])
    expect(textOf(forwarded.for(head))).toEqual([
      'x-forwarded-for: 192.0.2.1',
      'forwarded: for=192.0.2.1;host="a";proto=https',
      'via: 2 fairlead',
    ])
  })

  it('is made anew where a trusted client leaves out what it said before', () => {
    const forwarded = new ForwardedFields({ ...facts, trusted: true })
    const saying = request([':authority', 'a'], ['x-forwarded-proto', 'http'], ['x', 'y'])
    const first = forwarded.for(saying)
    expect(forwarded.for(request([':authority', 'a'], ['x-forwarded-proto', 'ftp']))).toBe(first)
    expect(textOf(first)).not.toContain('x-forwarded-proto: https')
    expect(textOf(forwarded.for(request([':authority', 'a'])))).toContain('x-forwarded-proto: https')
    expect(textOf(forwarded.for(saying))).toEqual(textOf(first))
  })
})

describe('the head of a call sent again', () => {
  it('says what time is left and which attempt it is', () => {
    const head = headOf([':method', 'POST'], ['grpc-timeout', '5S'], ['x', 'y'])
    rewriteCall(head, 1234.9, true)
    expect(textOf(head.block, head.length)).toEqual([
      ':method: POST',
      'x: y',
      'grpc-timeout: 1234m',
      'grpc-previous-rpc-attempts: 1',
    ])
    rewriteCall(head, Infinity, true)
    expect(textOf(head.block, head.length)).toEqual([':method: POST', 'x: y', 'grpc-previous-rpc-attempts: 2'])
    rewriteCall(head, 200_000_000, false)
    expect(textOf(head.block, head.length)).toContain('grpc-timeout: 200000S')
  })
})

describe('statuses', () => {
  it('encode messages by percent', () => {
    expect(encodeGrpcMessage('50 % ü\n')).toBe('50 %25 %C3%BC%0A')
  })

  it('follow from how a stream was reset', () => {
    const codes = [ErrorCode.CONNECT_ERROR, ErrorCode.REFUSED_STREAM, ErrorCode.CANCEL, ErrorCode.ENHANCE_YOUR_CALM]
    expect([...codes, ErrorCode.INADEQUATE_SECURITY, ErrorCode.NO_ERROR].map(grpcStatusOfReset)).toEqual([
      14, 14, 1, 8, 7, 13,
    ])
  })

  it('tell against the endpoint only where it failed', () => {
    expect([200, 404, 499, 500, 503].map((status) => isEndpointFailure(status, -1))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ])
    const failing = Array.from({ length: 17 }, (_, code) => code).filter((code) => isEndpointFailure(200, code))
    expect(failing).toEqual([2, 4, 12, 13, 14, 15])
  })
})
