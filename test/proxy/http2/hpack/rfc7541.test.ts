import { describe, expect, it } from 'vitest'
import { Role } from '../../../../src/core/proxy/http2/hpack/decoder.js'
import { resized } from '../../../support/hpack-literals.js'
import { hex, TestDecoder, type Pair } from './test-decoder.js'

const REQUESTS: Pair[][] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
]

const RESPONSES: Pair[][] = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
]

/** RFC 7541 appendix C, headers of a connection in order. */
describe('the examples of RFC 7541', () => {
  it('C.3: requests without Huffman coding', () => {
    const decoder = new TestDecoder()
    expect(decoder.fields(hex('828684410f7777772e6578616d706c652e636f6d'))).toEqual(REQUESTS[0])
    expect(decoder.fields(hex('828684be58086e6f2d6361636865'))).toEqual(REQUESTS[1])
    expect(decoder.fields(hex('828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565'))).toEqual(REQUESTS[2])
  })

  it('C.4: requests with Huffman coding', () => {
    const decoder = new TestDecoder()
    expect(decoder.fields(hex('828684418cf1e3c2e5f23a6ba0ab90f4ff'))).toEqual(REQUESTS[0])
    expect(decoder.fields(hex('828684be5886a8eb10649cbf'))).toEqual(REQUESTS[1])
    expect(decoder.fields(hex('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'))).toEqual(REQUESTS[2])
  })

  // The examples of C.5 and C.6 are made for a table of 256 octets: fields are evicted on the way.
  it('C.5: responses without Huffman coding', () => {
    const decoder = new TestDecoder()
    const blocks = [
      `4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f
       7777772e6578616d706c652e636f6d`,
      '4803333037c1c0bf',
      `88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a
       584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31`,
    ].map(hex)
    blocks[0] = Buffer.concat([resized(256), blocks[0]!])
    expect(blocks.map((block) => decoder.fields(block, Role.RESPONSE))).toEqual(RESPONSES)
  })

  it('C.6: responses with Huffman coding', () => {
    const decoder = new TestDecoder()
    const blocks = [
      `488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3`,
      '4883640effc1c0bf',
      `88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f
       3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007`,
    ].map(hex)
    blocks[0] = Buffer.concat([resized(256), blocks[0]!])
    expect(blocks.map((block) => decoder.fields(block, Role.RESPONSE))).toEqual(RESPONSES)
  })
})
