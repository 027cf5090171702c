import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/core/runtime.js'
import { type SniffOwner, SniffPhase } from '../../../src/core/proxy/sniff/sniff-phase.js'
import { FakeWire } from '../../support/fake-wire.js'
import { ManualClock, settle } from '../../support/manual-clock.js'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

function start(early?: string, timer?: Pick<Clock, 'after'>) {
  const wire = new FakeWire()
  const clock = new ManualClock()
  const heard: string[] = []
  const owner: SniffOwner = {
    sniffed(spoken, bytes, length, ended) {
      heard.push(`${spoken} ${JSON.stringify(bytes.toString('latin1', 0, length))}${ended ? ' ended' : ''}`)
    },
    sniffClosed: () => void heard.push('closed'),
  }
  const phase = new SniffPhase(
    wire,
    early === undefined ? undefined : Buffer.from(early, 'latin1'),
    timer ?? clock,
    50,
    owner,
  )
  return { wire, clock, heard, phase }
}

describe('SniffPhase', () => {
  it('reads, tells at the first piece that shows it, and stops reading', () => {
    const { wire, heard, clock } = start()
    expect(wire.reading).toBe(true)
    wire.receive('GET / HTTP/1.1\r\n\r\n')
    expect(heard).toEqual(['h1 "GET / HTTP/1.1\\r\\n\\r\\n"'])
    expect(wire.reading).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it('puts together what comes byte by byte', () => {
    const { wire, heard } = start()
    for (const byte of PREFACE) wire.receive(byte)
    expect(heard).toEqual([`h2 ${JSON.stringify(PREFACE)}`])
  })

  it('puts together two pieces wherever they are cut, and keeps what follows', () => {
    for (let cut = 1; cut < PREFACE.length; cut++) {
      const { wire, heard } = start()
      wire.receive(PREFACE.slice(0, cut))
      wire.receive(`${PREFACE.slice(cut)}more`)
      expect(heard).toEqual([`h2 ${JSON.stringify(`${PREFACE}more`)}`])
    }
  })

  it('puts together a request line of many kilobytes', () => {
    const { wire, heard } = start()
    wire.receive(`GET /${'a'.repeat(3000)}`)
    wire.receive('b'.repeat(3000))
    expect(heard).toEqual([])
    wire.receive(' HTTP/1.1\r\n')
    expect(heard).toEqual([`h1 ${JSON.stringify(`GET /${'a'.repeat(3000)}${'b'.repeat(3000)} HTTP/1.1\r\n`)}`])
  })

  it('begins with what was read before', () => {
    const { wire, heard } = start('SSH-2.0-client\r\n')
    expect(heard).toEqual(['tcp "SSH-2.0-client\\r\\n"'])
    expect(wire.reading).toBe(false)
    const other = start('GET / HT')
    expect(other.wire.reading).toBe(true)
    other.wire.receive('TP/1.1\r\n')
    expect(other.heard).toEqual(['h1 "GET / HTTP/1.1\\r\\n"'])
  })

  it('takes a silent client for TCP after the time', async () => {
    const { wire, clock, heard } = start()
    await clock.advance(49)
    expect(heard).toEqual([])
    await clock.advance(1)
    expect(heard).toEqual(['tcp ""'])
    expect(wire.reading).toBe(false)
  })

  it('gives a client that dribbles no more time, only the benefit of the doubt', async () => {
    const silent = start()
    await silent.clock.advance(40)
    silent.wire.receive('GET')
    await silent.clock.advance(10)
    expect(silent.heard).toEqual(['tcp "GET"'])
    const begun = start()
    begun.wire.receive('GET /index')
    await begun.clock.advance(50)
    expect(begun.heard).toEqual(['h1 "GET /index"'])
  })

  it('reads what came in time before it gives up, however late the timer is', async () => {
    let fire = () => {}
    const { wire, heard } = start(undefined, { after: (_ms, callback) => ((fire = callback), () => {}) })
    fire()
    wire.receive('GET / HTTP/1.1\r\n')
    await settle()
    expect(heard).toEqual(['h1 "GET / HTTP/1.1\\r\\n"'])
  })

  it('waits for nothing after the end of what the client sends', () => {
    const { wire, heard, clock } = start()
    wire.receive('HELLO')
    wire.receiver.onEnd()
    expect(heard).toEqual(['tcp "HELLO" ended'])
    expect(clock.pending).toBe(0)
  })

  it('tells of a client that broke off', () => {
    const { wire, heard, clock } = start()
    wire.receive('G')
    wire.receiver.onClose(new Error('ECONNRESET'))
    expect(heard).toEqual(['closed'])
    expect(clock.pending).toBe(0)
  })

  it('is silent once cancelled', async () => {
    const { wire, heard, clock, phase } = start()
    phase.cancel()
    wire.receive('GET / HTTP/1.1\r\n')
    wire.receiver.onEnd()
    wire.receiver.onClose()
    await clock.advance(100)
    expect(heard).toEqual([])
  })
})
