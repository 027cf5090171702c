import { afterEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { eventually } from '../../support/eventually.js'
import { headers, settings, windowUpdate } from '../../support/raw-http2.js'
import { cleanUp } from '../support.js'
import { BIG, GET, SLOW, startVictim } from './victim.js'

afterEach(cleanUp)

const MEBIBYTE = 1024 * 1024

/** What this process holds outside the heap, the attacker and the backend included. */
function held(): number {
  return process.memoryUsage().arrayBuffers
}

describe('a client that does not take what it asked for', () => {
  it.each([
    ['grants no stream a window', [[4, 0]] as const, 0],
    ['grants streams much and the connection nothing', [[4, 0x7fffffff]] as const, 0],
    ['grants everything and does not read', [[4, 0x7fffffff]] as const, 0x7fff0000 - 65_535],
  ])('and %s holds little memory', async (_, pairs, connectionWindow) => {
    const victim = await startVictim()
    const before = held()
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker(...pairs)
      if (connectionWindow > 0) attacker.send(windowUpdate(0, connectionWindow))
      attacker.socket.pause()
      const streams = 50
      for (let i = 0; i < streams; i++) attacker.send(headers(2 * i + 1, BIG))
      await eventually(() => victim.backend.attacked === streams)
      await settled(() => victim.backend.sent)
    })
    // 64 KiB a stream and a share, in the backend's socket, the proxy and the attacker's; unbounded, it would be for ever more.
    expect(victim.backend.sent).toBeLessThan(40 * MEBIBYTE)
    expect(held() - before).toBeLessThan(64 * MEBIBYTE)
  })

  it('loses the streams that stall', async () => {
    const victim = await startVictim({ stallTimeoutMs: 1000 })
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker([4, 0])
      for (let i = 0; i < 20; i++) attacker.send(headers(2 * i + 1, BIG))
      for (let i = 0; i < 20; i++) expect(await attacker.resetCode(2 * i + 1)).toBe(ErrorCode.CANCEL)
    })
    await eventually(() => victim.backend.open === 0)
  })

  it('loses streams when all of them hold too much together', async () => {
    const victim = await startVictim({ maxQueuedBytes: MEBIBYTE })
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker([4, 0])
      for (let i = 0; i < 50; i++) attacker.send(headers(2 * i + 1, BIG))
      await eventually(() => attacker.frames.some(({ type }) => type === 3))
    })
  })

  it('loses the connection when it does not read at all', async () => {
    const victim = await startVictim({ stallTimeoutMs: 1000 })
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker([4, 0x7fffffff])
      attacker.send(windowUpdate(0, 0x7fff0000 - 65_535))
      attacker.socket.pause()
      for (let i = 0; i < 20; i++) attacker.send(headers(2 * i + 1, BIG))
      await eventually(() => victim.backend.attacked === 20)
      await eventually(() => victim.backend.open === 0)
    })
  })
})

describe('windows that overflow', () => {
  /** CVE-2026-21714: on stream 0, again and again, each connection leaking something. */
  it('end the connection and leave nothing behind', async () => {
    const victim = await startVictim()
    const attack = async () => {
      const attacker = await victim.attacker()
      attacker.send(headers(1, SLOW), windowUpdate(0, 0x7fffffff))
      expect(await attacker.closed()).toBe(ErrorCode.FLOW_CONTROL_ERROR)
      attacker.destroy()
    }
    await victim.unharmedBy(async () => {
      for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 10 }, attack))
    })
    await eventually(() => victim.backend.open === 0)
    await eventually(() => handles() < 30)
  })

  it('by SETTINGS end the connection', async () => {
    const victim = await startVictim()
    const attacker = await victim.attacker()
    attacker.send(headers(1, SLOW), windowUpdate(1, 0x7fff0000), settings([4, 0x7fffffff]))
    expect(await attacker.closed()).toBe(ErrorCode.FLOW_CONTROL_ERROR)
  })
})

describe('windows that open octet by octet', () => {
  it('are served, and cost others nothing', async () => {
    const victim = await startVictim()
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker([4, 0])
      for (let i = 0; i < 50; i++) attacker.send(headers(2 * i + 1, BIG))
      for (let k = 0; k < 100; k++) {
        attacker.send(...Array.from({ length: 50 }, (_, i) => windowUpdate(2 * i + 1, 1)))
        await new Promise(setImmediate)
      }
      await eventually(() => attacker.received === 5000)
    })
  })

  it('are served by the next request, too', async () => {
    const victim = await startVictim()
    const attacker = await victim.attacker([4, 1])
    attacker.send(headers(1, GET))
    await eventually(() => attacker.received === 1)
    attacker.send(windowUpdate(1, 1))
    await eventually(() => attacker.received === 2)
  })
})

function handles(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length
}

/** Waits until a number stands still for a while. */
async function settled(look: () => number): Promise<void> {
  let last = -1
  let since = performance.now()
  await eventually(() => {
    if (look() !== last) {
      last = look()
      since = performance.now()
    }
    return performance.now() - since > 1000
  })
}
