import { afterEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { eventually } from '../../support/eventually.js'
import { plain } from '../../support/hpack-literals.js'
import { data, Flag, frame, headers, priority, reset, Type, windowUpdate } from '../../support/raw-http2.js'
import { cleanUp } from '../support.js'
import { SLOW, SLOW_UPLOAD, startVictim } from './victim.js'

afterEach(cleanUp)

const LIMITS = { resetBurst: 50, resetsPerSecond: 10 }
const ATTEMPTS = 1000

const upload = (id: number) => headers(id, SLOW_UPLOAD, Flag.END_HEADERS)

/** Requests that are over as soon as they have reached the backend: what is sent with the stream `id`. */
const VARIANTS: readonly (readonly [name: string, send: (id: number) => Buffer[]])[] = [
  ['RST_STREAM', (id) => [headers(id, SLOW), reset(id)]],
  ['a WINDOW_UPDATE of 0', (id) => [upload(id), windowUpdate(id, 0)]],
  ['a window beyond 2^31-1', (id) => [upload(id), windowUpdate(id, 0x7fffffff)]],
  ['PRIORITY of a wrong length', (id) => [upload(id), frame(Type.PRIORITY, 0, id, Buffer.alloc(4))]],
  ['a stream that depends on itself', (id) => [upload(id), priority(id, id)]],
  ['HEADERS after END_STREAM', (id) => [headers(id, SLOW), headers(id, plain('x', 'y'))]],
  ['DATA after END_STREAM', (id) => [headers(id, SLOW), data(id, 'x')]],
  ['malformed trailers', (id) => [upload(id), headers(id, plain('X', 'y'))]],
  [
    'more DATA than content-length says',
    (id) => [headers(id, Buffer.concat([SLOW_UPLOAD, plain(28, '1')]), Flag.END_HEADERS), data(id, 'xy')],
  ],
  ['a request that is malformed itself', (id) => [headers(id, Buffer.concat([SLOW, plain('X', 'y')]))]],
]

/** CVE-2023-44487 (rapid reset), and CVE-2025-8671 (MadeYouReset), in which the server is made to reset. */
describe('a client whose streams are reset again and again', () => {
  it.each(VARIANTS)('by %s is sent away soon', async (_, send) => {
    const victim = await startVictim(LIMITS)
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker()
      for (let i = 0; i < ATTEMPTS; i += 10) {
        attacker.send(...Array.from({ length: 10 }, (_, k) => send(2 * (i + k) + 1)).flat())
        await new Promise(setImmediate)
        if (attacker.ended) break
      }
      expect([ErrorCode.ENHANCE_YOUR_CALM, ErrorCode.STREAM_CLOSED]).toContain(await attacker.closed())
    })
    // What reached the backend is what the client was entitled to, give or take what it regained meanwhile.
    expect(victim.backend.attacked).toBeLessThan(LIMITS.resetBurst * 4)
    await eventually(() => victim.backend.open === 0)
  })

  it('may do so as often as it completes requests', async () => {
    const victim = await startVictim(LIMITS)
    const attacker = await victim.attacker()
    for (let i = 0; i < 10; i++) attacker.send(headers(2 * i + 1, SLOW), reset(2 * i + 1))
    expect(await attacker.answersPing()).toBe(true)
  })
})
