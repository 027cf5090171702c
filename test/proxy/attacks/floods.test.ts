import { afterEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { eventually } from '../../support/eventually.js'
import { continuation, data, Flag, frame, headers, ping, priority, settings, Type } from '../../support/raw-http2.js'
import { cleanUp } from '../support.js'
import { GET, SLOW_UPLOAD, startVictim } from './victim.js'

afterEach(cleanUp)

const LIMITS = { controlBurst: 200, controlsPerSecond: 10 }
const FRAMES = 20_000

/** CVE-2019-9511 to -9518: frames that cost the client nothing and the server work, or answers to queue. */
describe('a flood of', () => {
  it.each([
    ['PING', ping()],
    ['PING acknowledgements', ping('whatever', Flag.ACK)],
    ['SETTINGS', settings()],
    ['SETTINGS that change every window', settings([4, 1], [4, 65_535])],
    ['PRIORITY', priority(1, 0)],
    ['frames of an unknown type', frame(0x42, 0, 0, Buffer.alloc(1))],
    ['empty DATA', data(1, '')],
    ['padding', frame(Type.DATA, Flag.PADDED, 1, Buffer.of(0))],
  ])('%s ends the connection', async (_, each) => {
    const victim = await startVictim(LIMITS)
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker()
      attacker.send(headers(1, SLOW_UPLOAD, Flag.END_HEADERS))
      const hundred = Buffer.concat(Array.from({ length: 100 }, () => each))
      for (let i = 0; i < FRAMES && !attacker.ended; i += 100) {
        attacker.send(hundred)
        await new Promise(setImmediate)
      }
      expect(await attacker.closed()).toBe(ErrorCode.ENHANCE_YOUR_CALM)
    })
    await eventually(() => victim.backend.open === 0)
  })

  it('PING by a client that reads no answer ends the connection, too', async () => {
    const victim = await startVictim(LIMITS)
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker()
      attacker.socket.pause()
      attacker.send(...Array.from({ length: FRAMES }, () => ping()))
      const told = () => victim.events.some((event) => event.event === 'connection_error')
      await eventually(told)
      expect(victim.events.find((event) => event.event === 'connection_error')?.kind).toBe('malformed_request')
    })
  })

  it('PING within what is allowed does not', async () => {
    const victim = await startVictim(LIMITS)
    const attacker = await victim.attacker()
    attacker.send(...Array.from({ length: 150 }, () => ping()))
    expect(await attacker.answersPing()).toBe(true)
  })
})

/** CVE-2024-27316 and its like: a header section without an end. */
describe('CONTINUATION', () => {
  it.each([
    ['empty frames', Buffer.alloc(0)],
    ['frames of an octet each', Buffer.of(0x82)],
    ['large frames', Buffer.alloc(16_000, 0x20)],
  ])('without an end, in %s, ends the connection', async (_, each) => {
    const victim = await startVictim()
    await victim.unharmedBy(async () => {
      const attacker = await victim.attacker()
      attacker.send(headers(1, GET, Flag.END_STREAM))
      for (let i = 0; i < 2000 && !attacker.ended; i++) {
        attacker.send(continuation(1, each, 0))
        if (i % 50 === 0) await new Promise(setImmediate)
      }
      expect(await attacker.closed()).toBe(ErrorCode.ENHANCE_YOUR_CALM)
    })
    expect(victim.backend.attacked).toBe(0)
  })
})
