import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { indexed, inserted, OK, plain, resized } from '../../support/hpack-literals.js'
import {
  continuation,
  data,
  Flag,
  frame,
  goAway,
  headers,
  ping,
  priority,
  reset,
  settings,
  Type,
  windowUpdate,
} from '../../support/raw-http2.js'

/** What a client must do about an endpoint's octets, sent when a GET on stream 1 is under way. */
export type Expected =
  /** Closes the connection, saying why with one of these codes. */
  | { readonly connection: readonly number[] }
  /** Breaks the request off with one of these codes; the connection lives on. */
  | { readonly stream: readonly number[] }
  /** Takes the response: its status, and body and trailers where it has them. */
  | { readonly status: string; readonly body?: string; readonly trailers?: string }
  /** Waits on. */
  | 'nothing'

export interface Case {
  readonly section: string
  readonly name: string
  readonly send: readonly Buffer[]
  readonly expect: Expected
}

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR, CANCEL } = ErrorCode
const { END_STREAM, END_HEADERS } = Flag

const join = (...parts: Buffer[]) => Buffer.concat(parts)
const connection = (...codes: number[]): Expected => ({ connection: codes })
const stream = (...codes: number[]): Expected => ({ stream: codes })
const status = (code: string, body = ''): Expected => ({ status: code, body })
const begin = (block = OK) => headers(1, block, END_HEADERS)
const response = (...fields: Buffer[]) => [headers(1, join(OK, ...fields))]
const number = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function of(section: string, cases: Record<string, readonly [send: readonly Buffer[], expect: Expected]>): Case[] {
  return Object.entries(cases).map(([name, [send, expect]]) => ({ section, name, send, expect }))
}

/** RFC 9113 and RFC 7541, section by section, as a client sees them. */
export const CLIENT_CASES: readonly Case[] = [
  ...of('RFC 9113 §4.1, frame format', {
    'ignores a frame of an unknown type': [[frame(0x16, 0, 0, Buffer.alloc(8)), headers(1, OK)], status('200')],
    'ignores undefined flags': [[frame(Type.PING, 0x16, 0, Buffer.alloc(8)), headers(1, OK)], status('200')],
    'ignores the reserved bit of a stream id': [[headers(0x80000001, OK)], status('200')],
  }),
  ...of('RFC 9113 §4.2, frame size', {
    'takes DATA of 16,384 octets': [
      [begin(), data(1, 'x'.repeat(16_384), END_STREAM)],
      status('200', 'x'.repeat(16_384)),
    ],
    'refuses larger DATA': [[begin(), data(1, Buffer.alloc(16_385))], connection(FRAME_SIZE_ERROR)],
    'refuses larger HEADERS': [[headers(1, join(OK, plain('x', 'y'.repeat(16_400))))], connection(FRAME_SIZE_ERROR)],
  }),
  ...of('RFC 9113 §4.3, header sections', {
    'refuses one that does not decode': [[headers(1, Buffer.of(0x0f))], connection(COMPRESSION_ERROR)],
    'refuses PRIORITY in the middle': [[headers(1, OK, END_STREAM), priority(1, 0)], connection(PROTOCOL_ERROR)],
    'refuses HEADERS of another stream in the middle': [
      [headers(1, OK, END_STREAM), headers(3, OK)],
      connection(PROTOCOL_ERROR),
    ],
    'joins what comes in pieces': [
      [headers(1, OK, END_STREAM), continuation(1, plain('x', 'y'), 0), continuation(1, plain('z', ''))],
      status('200'),
    ],
  }),
  ...of('RFC 9113 §5.1, stream states', {
    'refuses HEADERS on an idle stream': [[headers(3, OK)], connection(PROTOCOL_ERROR)],
    'refuses DATA on an idle stream': [[data(3, 'x')], connection(PROTOCOL_ERROR)],
    'refuses RST_STREAM on an idle stream': [[reset(3)], connection(PROTOCOL_ERROR)],
    'refuses WINDOW_UPDATE on an idle stream': [[windowUpdate(3, 1)], connection(PROTOCOL_ERROR)],
    'refuses HEADERS on a stream of the endpoint’s own': [[headers(2, OK)], connection(PROTOCOL_ERROR)],
    'refuses CONTINUATION of nothing': [[continuation(1, OK)], connection(PROTOCOL_ERROR)],
    'refuses DATA before a response': [[data(1, 'x')], stream(PROTOCOL_ERROR)],
    'refuses DATA after the end': [[...response(), data(1, 'x')], connection(STREAM_CLOSED)],
    'refuses HEADERS after the end': [[...response(), headers(1, OK)], connection(STREAM_CLOSED)],
    'allows WINDOW_UPDATE, PRIORITY and RST_STREAM after the end': [
      [...response(), windowUpdate(1, 5), priority(1, 3), reset(1)],
      status('200'),
    ],
  }),
  ...of('RFC 9113 §6.1, DATA', {
    'takes it': [[begin(), data(1, 'x'), data(1, 'y', END_STREAM)], status('200', 'xy')],
    'takes padding': [
      [
        begin(),
        frame(Type.DATA, END_STREAM | Flag.PADDED, 1, join(Buffer.of(3), Buffer.from('body'), Buffer.alloc(3))),
      ],
      status('200', 'body'),
    ],
    'refuses it on stream 0': [[data(0, 'x')], connection(PROTOCOL_ERROR)],
    'refuses padding as long as the frame': [
      [begin(), frame(Type.DATA, Flag.PADDED, 1, join(Buffer.of(5), Buffer.alloc(4)))],
      connection(PROTOCOL_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.2, HEADERS', {
    'takes padding and a priority': [
      [headers(1, join(Buffer.of(2), number(0), Buffer.of(1), OK, Buffer.alloc(2)), 1 | 4 | 8 | 32)],
      status('200'),
    ],
    'refuses it on stream 0': [[headers(0, OK)], connection(PROTOCOL_ERROR)],
    'refuses padding longer than the frame': [
      [headers(1, join(Buffer.of(200), OK), 1 | 4 | 8)],
      connection(PROTOCOL_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.3, PRIORITY', {
    'refuses it on stream 0': [[priority(0, 1)], connection(PROTOCOL_ERROR)],
    'refuses a length other than 5': [[frame(Type.PRIORITY, 0, 1, Buffer.alloc(4))], stream(FRAME_SIZE_ERROR)],
  }),
  ...of('RFC 9113 §6.4, RST_STREAM', {
    'takes it for the end of the stream': [[reset(1, CANCEL)], stream(CANCEL)],
    'takes it in the middle of a response': [[begin(), data(1, 'x'), reset(1, 2)], stream(2)],
    'refuses it on stream 0': [[reset(0)], connection(PROTOCOL_ERROR)],
    'refuses a length other than 4': [[frame(Type.RST_STREAM, 0, 1, Buffer.alloc(3))], connection(FRAME_SIZE_ERROR)],
  }),
  ...of('RFC 9113 §6.5, SETTINGS', {
    'refuses an acknowledgement with a payload': [
      [frame(Type.SETTINGS, Flag.ACK, 0, Buffer.alloc(1))],
      connection(FRAME_SIZE_ERROR),
    ],
    'refuses it on a stream': [[frame(Type.SETTINGS, 0, 1)], connection(PROTOCOL_ERROR)],
    'refuses a length that is no multiple of 6': [
      [frame(Type.SETTINGS, 0, 0, Buffer.alloc(3))],
      connection(FRAME_SIZE_ERROR),
    ],
    'refuses ENABLE_PUSH of 1 from a server': [[settings([2, 1])], connection(PROTOCOL_ERROR)],
    'takes ENABLE_PUSH of 0': [[settings([2, 0]), headers(1, OK)], status('200')],
    'refuses INITIAL_WINDOW_SIZE beyond 2^31-1': [[settings([4, 0x80000000])], connection(FLOW_CONTROL_ERROR)],
    'refuses MAX_FRAME_SIZE below 16,384': [[settings([5, 16_383])], connection(PROTOCOL_ERROR)],
    'refuses MAX_FRAME_SIZE beyond 2^24-1': [[settings([5, 16_777_216])], connection(PROTOCOL_ERROR)],
    'ignores an unknown setting': [[settings([0xff, 1]), headers(1, OK)], status('200')],
  }),
  ...of('RFC 9113 §6.6, PUSH_PROMISE', {
    'refuses it, having said so': [
      [frame(Type.PUSH_PROMISE, END_HEADERS, 1, join(number(2), OK))],
      connection(PROTOCOL_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.7, PING', {
    'answers it': [[ping()], 'nothing'],
    'refuses it on a stream': [[frame(Type.PING, 0, 1, Buffer.alloc(8))], connection(PROTOCOL_ERROR)],
    'refuses a length other than 8': [[frame(Type.PING, 0, 0, Buffer.alloc(7))], connection(FRAME_SIZE_ERROR)],
  }),
  ...of('RFC 9113 §6.8, GOAWAY', {
    'refuses it on a stream': [[frame(Type.GOAWAY, 0, 1, Buffer.alloc(8))], connection(PROTOCOL_ERROR)],
    'takes the response to a request it covers': [[goAway(1), headers(1, OK)], status('200')],
  }),
  ...of('RFC 9113 §6.9, WINDOW_UPDATE', {
    'refuses 0 on stream 0': [[windowUpdate(0, 0)], connection(PROTOCOL_ERROR)],
    'refuses 0 on a stream': [[windowUpdate(1, 0)], stream(PROTOCOL_ERROR)],
    'refuses a length other than 4': [[frame(Type.WINDOW_UPDATE, 0, 0, Buffer.alloc(5))], connection(FRAME_SIZE_ERROR)],
    'refuses a connection window beyond 2^31-1': [[windowUpdate(0, 0x7fffffff)], connection(FLOW_CONTROL_ERROR)],
    'refuses a stream window beyond 2^31-1': [[windowUpdate(1, 0x7fffffff)], stream(FLOW_CONTROL_ERROR)],
  }),
  ...of('RFC 9113 §8.1, responses', {
    'takes interim ones before the final one': [
      [headers(1, plain(8, '103'), END_HEADERS), headers(1, plain(8, '100'), END_HEADERS), headers(1, OK)],
      status('200'),
    ],
    'refuses an interim one that ends the stream': [[headers(1, plain(8, '103'))], stream(PROTOCOL_ERROR)],
    'takes trailers': [
      [begin(), data(1, 'x'), headers(1, plain('grpc-status', '5'))],
      { status: '200', body: 'x', trailers: '5' },
    ],
    'refuses trailers that do not end the stream': [
      [begin(), headers(1, plain('grpc-status', '5'), END_HEADERS)],
      stream(PROTOCOL_ERROR),
    ],
    'refuses pseudo-header fields in trailers': [[begin(), headers(1, OK)], stream(PROTOCOL_ERROR)],
    'refuses 101': [[headers(1, plain(8, '101'), END_HEADERS)], stream(PROTOCOL_ERROR)],
  }),
  ...of('RFC 9113 §8.1.1, malformed responses', {
    'refuses less DATA than content-length says': [
      [begin(join(OK, plain(28, '5'))), data(1, 'four', END_STREAM)],
      stream(PROTOCOL_ERROR),
    ],
    'refuses more DATA than content-length says': [
      [begin(join(OK, plain(28, '1'))), data(1, 'xy')],
      stream(PROTOCOL_ERROR),
    ],
    'refuses no DATA where content-length says some': [response(plain(28, '1')), stream(PROTOCOL_ERROR)],
    'takes a content-length without DATA with 304': [[headers(1, join(indexed(11), plain(28, '9')))], status('304')],
  }),
  ...of('RFC 9113 §8.2 and §8.3, fields', {
    'refuses a response without a status': [[headers(1, plain('x', 'y'))], stream(PROTOCOL_ERROR)],
    'refuses a status twice': [response(OK), stream(PROTOCOL_ERROR)],
    'refuses a status that is none': [[headers(1, plain(8, '2xx'))], stream(PROTOCOL_ERROR)],
    'refuses a method': [response(indexed(2)), stream(PROTOCOL_ERROR)],
    'refuses an upper-case name': [response(plain('X-Test', 'ok')), stream(PROTOCOL_ERROR)],
    'refuses connection': [response(plain('connection', 'close')), stream(PROTOCOL_ERROR)],
    'refuses a line feed in a value': [response(plain('x', 'a\r\nb: c')), stream(PROTOCOL_ERROR)],
  }),
  ...of('RFC 7541, header compression', {
    'refuses an index beyond the tables': [response(indexed(70)), connection(COMPRESSION_ERROR)],
    'refuses index 0': [response(indexed(0)), connection(COMPRESSION_ERROR)],
    'refuses a table size update at the end': [response(resized(1)), connection(COMPRESSION_ERROR)],
    'refuses a table size beyond the setting': [[headers(1, join(resized(4097), OK))], connection(COMPRESSION_ERROR)],
    'refers in trailers to fields of the head': [
      [begin(join(OK, inserted('grpc-status', '7'))), headers(1, indexed(62))],
      { status: '200', trailers: '7' },
    ],
  }),
]
