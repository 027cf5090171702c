import { connect, constants, sensitiveHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.js'
import { TestDecoder, type Pair } from './test-decoder.js'

const HEADERS = 1
const EMPTY_SETTINGS = Buffer.from('000000040000000000', 'hex')

interface Request {
  readonly path: string
  readonly fields: Pair[]
  readonly secret: boolean
}

/** Few names and some values again and again, so that the table is used; long values, so that it overflows. */
const name = fc.oneof(
  fc.constantFrom('accept', 'user-agent', 'x-request-id', 'etag', 'cache-control', 'grpc-accept-encoding'),
  fc.stringMatching(/^x-[a-z0-9_.-]{1,40}$/),
)
const value = fc.oneof(
  { arbitrary: fc.constantFrom('', 'one', 'two', 'identity,deflate,gzip', 'no-cache'), weight: 3 },
  { arbitrary: fc.stringMatching(/^[!-~]([\t -~\x80-\xff]{0,60}[!-~])?$/), weight: 3 },
  { arbitrary: fc.stringMatching(/^[!-~]{1,1200}$/), weight: 1 },
)
const request = fc.record({
  path: fc.oneof(fc.constantFrom('/', '/index.html', '/a'), fc.stringMatching(/^\/[a-zA-Z0-9/.?=&%-]{0,80}$/)),
  fields: fc.uniqueArray(fc.tuple(name, value), { maxLength: 8, selector: ([text]) => text }),
  secret: fc.boolean(),
})

/** What `node:http2` (nghttp2) writes for the requests on one connection: the payloads of its HEADERS frames. */
async function encoded(requests: readonly Request[]): Promise<Buffer[]> {
  const blocks: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    collect(socket, blocks)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, {
    settings: { enablePush: false },
  })
  client.on('error', () => {})
  try {
    for (const { path, fields, secret } of requests) {
      const headers: OutgoingHttpHeaders = { ':path': path, ...Object.fromEntries(fields) }
      if (secret) {
        headers['authorization'] = 'Bearer 123'
        headers[sensitiveHeaders as unknown as string] = ['authorization'] as never
      }
      client.request(headers, { endStream: true }).on('error', () => {})
    }
    await eventually(() => {
      expect(blocks.length).toBe(requests.length)
    })
    return blocks
  } finally {
    client.destroy()
    server.close()
  }
}

function collect(socket: Socket, blocks: Buffer[]): void {
  let bytes = Buffer.alloc(0)
  let begun = false
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    if (!begun && bytes.length >= 24) {
      bytes = bytes.subarray(24)
      begun = true
      socket.write(EMPTY_SETTINGS)
    }
    while (begun && bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const end = 9 + bytes.readUIntBE(0, 3)
      if (bytes[3] === HEADERS) {
        expect(bytes[4]! & constants.NGHTTP2_FLAG_END_HEADERS).not.toBe(0)
        // Node's client sends a priority with its requests.
        const priority = (bytes[4]! & constants.NGHTTP2_FLAG_PRIORITY) === 0 ? 0 : 5
        blocks.push(Buffer.from(bytes.subarray(9 + priority, end)))
      }
      bytes = bytes.subarray(end)
    }
  })
}

describe('the decoder against nghttp2', () => {
  it('understands every block of a connection', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 40 }), async (requests) => {
        const blocks = await encoded(requests)
        const decoder = new TestDecoder()
        for (const [i, block] of blocks.entries()) {
          const { path, fields, secret } = requests[i]!
          const decoded = decoder.decode(block)
          expect(decoded.reason).toBe('')
          const byName = new Map(decoded.fields)
          expect(byName.get(':path')).toBe(path)
          expect(byName.get(':method')).toBe('GET')
          expect(byName.get('authorization')).toBe(secret ? 'Bearer 123' : undefined)
          expect(decoded.fields.filter(([text]) => !text.startsWith(':') && text !== 'authorization')).toEqual(fields)
        }
      }),
      { numRuns: 15 },
    )
  }, 60_000)
})
