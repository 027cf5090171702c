import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/core/model/address.js'
import type { Endpoint, EndpointRole, EndpointState } from '../../src/core/model/endpoint.js'
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from '../../src/core/registry/record.js'
import { storeEntry } from '../support/store-entry.js'

const full: Endpoint = {
  id: '01J',
  ...parseAddress('10.0.0.5:8080'),
  weight: 3,
  zone: 'a',
  state: 'ready',
  role: 'server',
  meta: { version: '1.4' },
}

function decode(value: Buffer | string, tail = '10.0.0.5:8080', place: EndpointRole = 'server') {
  const record = decodeRecord(storeEntry(`/ns/web/${tail}`, value), tail, place)
  return 'reason' in record ? record.reason : record.endpoint
}

describe('encoding a record', () => {
  it('writes exactly the form of the contract', () => {
    expect(encodeRecord(full)).toBe(
      '{"Op":0,"Addr":"10.0.0.5:8080","Metadata":{"id":"01J","weight":3,"zone":"a","state":"ready","role":"server","meta":{"version":"1.4"}}}',
    )
  })

  it('leaves out a zone that there is not', () => {
    const { zone: _zone, ...without } = full
    expect(encodeRecord({ ...without, meta: {} })).toBe(
      '{"Op":0,"Addr":"10.0.0.5:8080","Metadata":{"id":"01J","weight":3,"state":"ready","role":"server","meta":{}}}',
    )
  })
})

describe('a load figure', () => {
  it('lies in the record between role and meta, and only where there is one', () => {
    const { zone: _zone, ...without } = full
    expect(encodeRecord({ ...without, load: 0.25, meta: {} })).toBe(
      '{"Op":0,"Addr":"10.0.0.5:8080","Metadata":{"id":"01J","weight":3,"state":"ready","role":"server","load":0.25,"meta":{}}}',
    )
    expect(decode(encodeRecord({ ...full, load: 0 }))).toEqual({ ...full, load: 0 })
    expect(decode('{"Addr":"10.0.0.5:8080","Metadata":{"LOAD":1}}')).toMatchObject({ load: 1 })
    expect(decode('{"Addr":"10.0.0.5:8080","Metadata":{"load":null}}')).not.toHaveProperty('load')
  })
})

describe('decoding a record', () => {
  const plain = {
    id: '10.0.0.5:8080',
    address: '10.0.0.5:8080',
    host: '10.0.0.5',
    port: 8080,
    weight: 1,
    state: 'ready',
    role: 'server',
    meta: {},
  }

  it.each([
    ['a bare address', '10.0.0.5:8080', '10.0.0.5:8080'],
    ['a bare address with white space around it', ' 10.0.0.5:8080\n', '10.0.0.5:8080'],
    ['an empty value', '', '10.0.0.5:8080'],
    ['an empty value under a deeper key', '', 'eu/10.0.0.5:8080'],
    ['a bare address whose key ends otherwise', '10.0.0.5:8080', '7587862094123521'],
    ['a bare address that differs from the key', '10.0.0.5:8080', '10.0.0.6:80'],
    ['no metadata', '{"Addr":"10.0.0.5:8080"}', 'x'],
    ['metadata null', '{"Op":0,"Addr":"10.0.0.5:8080","Metadata":null}', 'x'],
    ['metadata that is a text', '{"Op":0,"Addr":"10.0.0.5:8080","Metadata":"weight=3"}', 'x'],
    ['metadata that is a list', '{"Op":0,"Addr":"10.0.0.5:8080","Metadata":[3]}', 'x'],
    ['metadata of another program', '{"Addr":"10.0.0.5:8080","Metadata":{"shard":[1,2]}}', 'x'],
    ['an object without an address', '{"Op":0,"Addr":"","Metadata":null}', '10.0.0.5:8080'],
    ['an object of nulls', '{"Addr":null,"Metadata":{"id":null,"weight":null,"meta":null}}', '10.0.0.5:8080'],
    ['field names in lower case', '{"op":0,"addr":"10.0.0.5:8080"}', 'x'],
    [
      '__proto__ fields',
      '{"Addr":"10.0.0.5:8080","__proto__":{"weight":9},"Metadata":{"__proto__":{"weight":9}}}',
      'x',
    ],
  ])('reads %s with defaults for what is missing', (_name, value, tail) => {
    expect(decode(value, tail)).toEqual(plain)
  })

  it('reads every field, names in any case', () => {
    const value =
      '{"ADDR":"10.0.0.5:8080","metadata":{"ID":"01J","Weight":3,"zone":"a","STATE":"ready","Role":"server","Meta":{"version":"1.4"}}}'
    expect(decode(value, 'x')).toEqual(full)
  })

  it('takes what lies among the balancers for one, whatever it says', () => {
    expect(decode(encodeRecord(full), undefined, 'balancer')).toEqual({ ...full, role: 'balancer' })
    expect(decode('', undefined, 'balancer')).toMatchObject({ role: 'balancer' })
  })

  it('keeps keys such as __proto__ in meta as entries', () => {
    const endpoint = decode('{"Addr":"a:1","Metadata":{"meta":{"__proto__":"x","constructor":"y"}}}') as Endpoint
    expect(Object.entries(endpoint.meta)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  it.each([
    ['neither value nor key with an address', '', 'x', /no address.*"x"/],
    ['a text that is no address', 'hello', '10.0.0.5:8080', /bad address "hello"/],
    ['a number', '17', '10.0.0.5:8080', /bad address "17"/],
    ['null', 'null', '10.0.0.5:8080', /bad address "null"/],
    ['a list', '[]', '10.0.0.5:8080', /bad address/],
    ['a bad port', '10.0.0.5:99999', '10.0.0.5:80', /port 99999/],
    ['an unspecified address', '0.0.0.0:80', '10.0.0.5:80', /unspecified/],
    ['cut JSON', '{"Addr":"10.0.0.5:8080"', 'x', /not JSON/],
    ['an address of a wrong type', '{"Addr":7}', '10.0.0.5:8080', /^Addr .* 7$/],
    ['weight out of range', '{"Addr":"a:1","Metadata":{"weight":1001}}', 'x', /^weight .* 1001$/],
    ['negative weight', '{"Addr":"a:1","Metadata":{"weight":-1}}', 'x', /^weight /],
    ['fractional weight', '{"Addr":"a:1","Metadata":{"weight":0.5}}', 'x', /^weight /],
    ['weight as text', '{"Addr":"a:1","Metadata":{"weight":"3"}}', 'x', /^weight .* "3"$/],
    ['load out of range', '{"Addr":"a:1","Metadata":{"load":1.01}}', 'x', /^load .* 1.01$/],
    ['negative load', '{"Addr":"a:1","Metadata":{"load":-0.1}}', 'x', /^load /],
    ['load as text', '{"Addr":"a:1","Metadata":{"load":"0.5"}}', 'x', /^load .* "0.5"$/],
    ['unknown state', '{"Addr":"a:1","Metadata":{"state":"up"}}', 'x', /^state .* "up"$/],
    ['unknown role', '{"Addr":"a:1","Metadata":{"role":"king"}}', 'x', /^role .* "king"$/],
    ['an empty id', '{"Addr":"a:1","Metadata":{"id":""}}', 'x', /^id /],
    ['a zone of a wrong type', '{"Addr":"a:1","Metadata":{"zone":1}}', 'x', /^zone /],
    ['half a character in an id', String.raw`{"Addr":"a:1","Metadata":{"id":"\ud83d"}}`, 'x', /^id .*\\ud83d/],
    ['half a character in a zone', String.raw`{"Addr":"a:1","Metadata":{"zone":"\ud800a"}}`, 'x', /^zone .*\\ud800a/],
    ['half a character in meta', String.raw`{"Addr":"a:1","Metadata":{"meta":{"a":"\udc00"}}}`, 'x', /^meta "a" /],
    [
      'half a character in a key',
      String.raw`{"Addr":"a:1","Metadata":{"meta":{"\udc00":"a"}}}`,
      'x',
      /^meta has a key /,
    ],
    ['meta that is a list', '{"Addr":"a:1","Metadata":{"meta":["a"]}}', 'x', /^meta .* a list$/],
    ['meta with a number', '{"Addr":"a:1","Metadata":{"meta":{"a":1}}}', 'x', /^meta "a" .* 1$/],
    [
      'a deep object',
      `{"Metadata":{"meta":{"a":${'['.repeat(9000)}${']'.repeat(9000)}}}}`,
      'a:1',
      /^meta "a" .* a list$/,
    ],
  ])('skips %s and says why', (_name, value, tail, reason) => {
    expect(decode(value, tail)).toMatch(reason)
  })

  it('skips what is too large, too nested or no text', () => {
    expect(decode('x'.repeat(MAX_RECORD_BYTES + 1))).toMatch(/larger than/)
    expect(decode(Buffer.from([0x7b, 0xff, 0x7d]))).toMatch(/not UTF-8/)
    expect(decode(`{"Metadata":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`)).toMatchObject({ weight: 1 })
  })

  const name = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' })
  const arbitraryEndpoint = fc.record(
    {
      id: name,
      zone: name,
      weight: fc.integer({ min: 0, max: 1000 }),
      state: fc.constantFrom<EndpointState>('ready', 'drain', 'maint'),
      role: fc.constantFrom<EndpointRole>('server', 'balancer'),
      load: fc.double({ min: 0, max: 1, noNaN: true }),
      meta: fc.dictionary(name, fc.string({ unit: 'binary' }), { maxKeys: 5 }),
      address: fc.oneof(
        fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65535 })).map(([ip, port]) => `[${ip}]:${port}`),
        fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65535 })).map(([domain, port]) => `${domain}:${port}`),
      ),
    },
    { requiredKeys: ['id', 'weight', 'state', 'role', 'meta', 'address'] },
  )

  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(arbitraryEndpoint, ({ address, ...fields }) => {
        fc.pre(!/^\[(::|0:0:0:0:0:0:0:0|::ffff:0:0|::ffff:0\.0\.0\.0|0:0:0:0:0:ffff:.*)\]/i.test(address))
        const endpoint: Endpoint = { ...fields, ...parseAddress(address) }
        const read = decode(encodeRecord(endpoint), 'x')
        expect(read).toEqual(endpoint)
      }),
    )
  })

  it('never throws, whatever the bytes', () => {
    const valueish = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ Addr: 'a:1', Metadata: value }))),
      fc
        .dictionary(
          fc.constantFrom('id', 'weight', 'zone', 'state', 'role', 'load', 'meta', '__proto__'),
          fc.jsonValue(),
        )
        .map((metadata) => Buffer.from(JSON.stringify({ Addr: 'a:1', Metadata: metadata }))),
    )
    fc.assert(
      fc.property(valueish, fc.string(), (value, tail) => {
        const record = decode(value, tail)
        if (typeof record === 'string') expect(record).not.toBe('')
        else expect(parseAddress(record.address)).toMatchObject({ host: record.host, port: record.port })
      }),
    )
  })
})
