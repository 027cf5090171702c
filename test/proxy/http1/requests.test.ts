import { describe, expect, it } from 'vitest'
import { ACCEPTED, REFUSED, root } from './raw-requests.js'
import { serve } from './recorded.js'

describe('requests that are refused', () => {
  it.each(REFUSED)('%s: %i', async (_, status, payload) => {
    // What follows must not be taken for another request.
    const smuggled = payload + 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
    const whole = await serve(smuggled)
    expect(whole.wire.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(whole.wire.text).toContain('connection: close\r\n')
    expect(whole.wire.state).toBe('ended')
    expect(whole.faults).toHaveLength(1)
    expect(whole.requests.filter(({ ended }) => ended)).toEqual([])
    const cut = await serve(smuggled, payload.length > 5000 ? 1000 : 1)
    expect(cut.wire.text).toBe(whole.wire.text)
    expect(cut.faults).toEqual(whole.faults)
  })
})

describe('requests that are let through', () => {
  for (const [name, payload, expected, body = '', trailers] of ACCEPTED)
    it(name, async () => {
      const inOnePiece = await serve(payload + root('Connection: close', 'X-Next: 1'))
      const first = inOnePiece.requests[0]!
      expect(summary(first.fields)).toBe(expected)
      expect(first.body).toBe(body)
      expect(first.trailers && summary(first.trailers)).toBe(trailers)
      expect(inOnePiece.faults).toEqual([])
      expect(inOnePiece.wire.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      const byteByByte = await serve(payload, 1)
      expect(byteByByte.requests[0]).toEqual({ ...first, onEnd: expect.any(Function) as () => void })
      expect(byteByByte.requests[0]!.ended).toBe(true)
    })

  it('keeps what a trusted client says of others', async () => {
    const { requests } = await serve(root('X-Forwarded-For: a', 'x_forwarded_for: b'), Infinity, { trusted: true })
    expect(summary(requests[0]!.fields)).toBe('GET http a / x-forwarded-for=a')
  })
})

function summary(fields: readonly string[]): string {
  return fields.map((field) => field.replace(/^:[a-z]+: /, '').replace(/^([^:]+): /, '$1=')).join(' ')
}
