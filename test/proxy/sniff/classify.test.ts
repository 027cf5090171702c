import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classify, guess, MAX_SNIFFED, type Spoken } from '../../../src/core/proxy/sniff/classify.js'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const HELLO = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'

const KNOWN: readonly (readonly [what: string, bytes: string, spoken: Spoken])[] = [
  ['an HTTP/2 preface', PREFACE, 'h2'],
  ['a preface with frames behind it', `${PREFACE}\0\0\0\x04\0\0\0\0\0`, 'h2'],
  ['an HTTP/1.1 request', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', 'h1'],
  ['an HTTP/1.0 request', 'GET /a?b HTTP/1.0\r\n', 'h1'],
  ['an absolute target', 'GET http://a/ HTTP/1.1\r\n', 'h1'],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\n', 'h1'],
  ['an authority', 'CONNECT a:443 HTTP/1.1\r\n', 'h1'],
  ['a method with a hyphen', 'M-SEARCH * HTTP/1.1\r\n', 'h1'],
  ['a request whose line ends in a bare LF', 'GET / HTTP/1.1\nhost: a\n\n', 'h1'],
  ['a version to be refused', 'GET / HTTP/3.0\r\n', 'h1'],
  ['a preface gone wrong', 'PRI * HTTP/2.0\r\n\r\nXX', 'h1'],
  ['a ClientHello', HELLO, 'tls'],
  ['a ClientHello of TLS 1.0', '\x16\x03\x00\x00\x40\x01', 'tls'],
  ['another handshake message', '\x16\x03\x01\x02\x00\x02', 'tcp'],
  ['an empty TLS record', '\x16\x03\x01\x00\x00\x01', 'tcp'],
  ['a TLS record too long', '\x16\x03\x01\x40\x01\x01', 'tcp'],
  ['a TLS version unheard of', '\x16\x03\x05', 'tcp'],
  ['a control byte and something else', '\x16\x02', 'tcp'],
  ['an HTTP/0.9 request', 'GET /\r\n', 'tcp'],
  ['RTSP', 'OPTIONS rtsp://a/ RTSP/1.0\r\n', 'tcp'],
  ['SIP', 'REGISTER sip:a SIP/2.0\r\n', 'tcp'],
  ['an inline Redis command', 'GET /key\r\n', 'tcp'],
  ['memcached', 'get /key\r\n', 'tcp'],
  ['a RESP command', '*1\r\n$4\r\nPING\r\n', 'tcp'],
  ['SMTP', 'EHLO example.org\r\n', 'tcp'],
  ['NATS', 'CONNECT {"verbose":false}\r\n', 'tcp'],
  ['STOMP', 'CONNECT\naccept-version:1.2\n\n\0', 'tcp'],
  ['MQTT', '\x10\x0c\0\x04MQTT', 'tcp'],
  ['a PostgreSQL start', '\0\0\0\x08\x04\xd2\x16\x2f', 'tcp'],
  ['a line that is blank', '\r\n', 'tcp'],
  ['a space too many', 'GET  / HTTP/1.1\r\n', 'tcp'],
  ['a method that never ends', 'A'.repeat(33), 'tcp'],
  ['a URL beyond all bounds', `GET /${'a'.repeat(MAX_SNIFFED)}`, 'h1'],
  ['a line of something else beyond all bounds', `SET ${'a'.repeat(MAX_SNIFFED)}`, 'tcp'],
]

function classifyText(text: string, length = text.length) {
  return classify(Buffer.from(text, 'latin1'), length)
}

function guessText(text: string) {
  return guess(Buffer.from(text, 'latin1'), text.length)
}

describe('classify', () => {
  it.each(KNOWN)('tells %s', (_, text, spoken) => {
    expect(classifyText(text)).toBe(spoken)
  })

  it.each(KNOWN)('tells %s wherever it is cut', (_, text, spoken) => {
    for (let cut = 0; cut < Math.min(text.length, 100); cut++) {
      expect([undefined, spoken], `cut at ${cut}`).toContain(classifyText(text.slice(0, cut)))
    }
  })

  it('looks at no byte beyond those that came', () => {
    expect(classifyText('GET / HTTP/1.1\r\n', 10)).toBeUndefined()
    expect(classifyText(PREFACE, 23)).toBeUndefined()
    expect(classifyText(HELLO, 5)).toBeUndefined()
  })

  it('never takes back an answer', () => {
    const alphabet = fc.constantFrom(...'GETPRI /*HTTP1.0\r\n\x16\x03\x01'.split(''))
    const text = fc.oneof(
      fc.string({ unit: alphabet, maxLength: 60 }),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.tuple(fc.constantFrom(...KNOWN), fc.nat(40), fc.nat(255)).map(([[, known], at, byte]) => {
        return known.slice(0, Math.min(at, 200)) + String.fromCharCode(byte) + known.slice(at + 1, 200)
      }),
    )
    fc.assert(
      fc.property(text, (whole) => {
        let answer: Spoken | undefined
        for (let length = 0; length <= whole.length; length++) {
          const now = classifyText(whole.slice(0, length))
          if (answer) expect(now).toBe(answer)
          answer = now
        }
      }),
      { numRuns: 500 },
    )
  })

  it('has an answer once it has seen enough', () => {
    const lead = fc.oneof(fc.constantFrom(...KNOWN.map(([, text]) => text.slice(0, 20))), fc.string({ maxLength: 20 }))
    fc.assert(
      fc.property(lead, fc.constantFrom('a', ' ', '/', '\r', '\0'), (text, filler) => {
        expect(classifyText(text.padEnd(MAX_SNIFFED, filler))).toBeDefined()
      }),
    )
  })
})

describe('guess', () => {
  it.each([
    ['', 'tcp'],
    ['G', 'tcp'],
    ['GET ', 'tcp'],
    ['GET /', 'h1'],
    ['GET /a-long-way', 'h1'],
    ['DELETE /a HTTP/1', 'h1'],
    ['SET /key', 'tcp'],
    ['CONNECT {', 'tcp'],
    ['PRI', 'tcp'],
    ['PRI * HTTP/2', 'h2'],
    [PREFACE.slice(0, 20), 'h2'],
    ['\x16\x03\x01', 'tcp'],
  ] as const)('takes %j for %s', (text, spoken) => {
    expect(guessText(text)).toBe(spoken)
  })

  it('agrees with what is certain', () => {
    for (const [, text, spoken] of KNOWN) expect(guessText(text)).toBe(spoken)
  })
})
