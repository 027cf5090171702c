import { describe, expect, it } from 'vitest'
import { NameForm, NoName, readName } from '../../../src/core/proxy/http/name-table.js'
import { isConnectionSpecific, nameOf, NameKind } from '../../../src/core/proxy/http/names.js'

const read = (text: string, form: number = NameForm.PLAIN) => {
  const bytes = Buffer.from(`..${text}..`, 'latin1')
  return readName(bytes, 2, bytes.length - 2, form)
}

describe('field names', () => {
  it('are told apart by kind', () => {
    expect(nameOf(':path').kind).toBe(NameKind.PATH)
    expect(nameOf(':protocol').kind).toBe(NameKind.OTHER_PSEUDO)
    expect(nameOf('x-forwarded-for').kind).toBe(NameKind.FORWARDED)
    expect(nameOf('x-forwarded-anything').kind).toBe(NameKind.FORWARDED)
    expect(nameOf('accept').kind).toBe(NameKind.REGULAR)
    for (const name of ['__proto__', 'constructor', 'tostring']) expect(nameOf(name).kind).toBe(NameKind.REGULAR)
  })

  it('are connection-specific or not', () => {
    for (const name of ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']) {
      expect(isConnectionSpecific(nameOf(name).kind)).toBe(true)
    }
    for (const name of ['te', 'host', 'cookie', 'x-a', ':path', ':status'])
      expect(isConnectionSpecific(nameOf(name).kind)).toBe(false)
  })

  it('read the same however they are spelt', () => {
    const huffman = Buffer.from('25a849e95ba97d7f', 'hex') // `custom-key`, RFC 7541 C.4.3
    for (let round = 0; round < 2; round++) {
      expect(read('custom-key')).toMatchObject({ text: 'custom-key' })
      expect(read('Custom-KEY', NameForm.ANY_CASE)).toMatchObject({ text: 'custom-key' })
      expect(readName(huffman, 0, huffman.length, NameForm.HUFFMAN)).toMatchObject({ text: 'custom-key' })
    }
  })

  it('never mix up octets that share a place', () => {
    const names = Array.from({ length: 3000 }, (_, i) => `x-${String(i * 7919)}`)
    for (let round = 0; round < 2; round++)
      for (const name of names) expect(read(name)).toMatchObject({ text: name, index: 0 })
  })

  it.each(['', 'X-A', 'a b', 'a:b', '::a', 'a\0', 'caf\xe9', 'a'.repeat(1025), 'a\n'])('refuses %j', (name) => {
    expect(read(name)).toBe(NoName.MALFORMED)
  })

  it('refuses pseudo-header fields and separators in HTTP/1.1', () => {
    for (const name of [':path', 'a b', 'a(', '', 'a\t']) expect(read(name, NameForm.ANY_CASE)).toBe(NoName.MALFORMED)
  })

  it('tells what does not decode from what is no name', () => {
    const padding = Buffer.from('ffff', 'hex')
    expect(readName(padding, 0, 2, NameForm.HUFFMAN)).toBe(NoName.UNREADABLE)
    const upper = Buffer.from('87', 'hex') // `A` and padding
    expect(readName(upper, 0, 1, NameForm.HUFFMAN)).toBe(NoName.MALFORMED)
  })
})
