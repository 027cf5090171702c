import { afterEach, describe, expect, it } from 'vitest'
import { GET } from '../../support/hpack-literals.js'
import { Flag, headers, PREFACE, RawHttp2, settings } from '../../support/raw-http2.js'
import { cleanUp, cleanup } from '../support.js'
import { startVictim } from './victim.js'

afterEach(cleanUp)

const LIMITS = { headTimeoutMs: 1000, idleTimeoutMs: 2000 }

/** What slow clients send at first, and then octet by octet, none of it ever a whole. */
const WAYS: readonly (readonly [name: string, first: Buffer, rest: string | Buffer])[] = [
  ['nothing at all', Buffer.alloc(0), ''],
  ['the head of an HTTP/1.1 request', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n'), 'x-slow: y\r\n'.repeat(200)],
  ['a request line', Buffer.from('GET /'), 'a'.repeat(2000)],
  ['a preface', PREFACE.subarray(0, 5), PREFACE.subarray(5)],
  ['a preface without SETTINGS', PREFACE, ''],
  ['SETTINGS that are never acknowledged', Buffer.concat([PREFACE, settings()]), ''],
  [
    'a HEADERS frame',
    Buffer.concat([PREFACE, settings(), headers(1, GET).subarray(0, 12)]),
    Buffer.from('z'.repeat(2)),
  ],
  [
    'a header section without an end',
    Buffer.concat([PREFACE, settings(), headers(1, GET, Flag.END_STREAM)]),
    Buffer.alloc(0),
  ],
]

describe('clients that take their time over', () => {
  it.each(WAYS)('%s are sent away', async (_, first, rest) => {
    const victim = await startVictim(LIMITS)
    await victim.unharmedBy(async () => {
      const attackers = await Promise.all(Array.from({ length: 20 }, () => RawHttp2.dial(victim.port)))
      const octets = [...Buffer.from(rest)]
      for (const attacker of attackers) attacker.send(first)
      const dribble = setInterval(() => {
        const octet = octets.shift()
        if (octet !== undefined) for (const attacker of attackers) attacker.send(Buffer.of(octet))
      }, 50)
      cleanup(() => {
        clearInterval(dribble)
        for (const attacker of attackers) attacker.destroy()
      })
      for (const attacker of attackers) await attacker.closed()
    })
    expect(victim.backend.attacked).toBe(0)
  })
})
