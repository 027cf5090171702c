import { ErrorCode } from '../../../src/core/proxy/http/stream.js'
import { GET, indexed, inserted, OK, plain, POST, resized } from '../../support/hpack-literals.js'
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
  SETTINGS_ACK,
  Type,
  windowUpdate,
} from '../../support/raw-http2.js'

/** What a server must do about a client's octets, its preface and SETTINGS having been exchanged. */
export type Expected =
  /** Closes the connection, saying why with one of these codes. */
  | { readonly connection: readonly number[] }
  /** Resets the stream with one of these codes, or ends the connection with one of them; the connection may live on. */
  | { readonly stream: number; readonly codes: readonly number[] }
  /** Answers these streams with 200, and lives on. */
  | { readonly answers: readonly number[] }
  /** Lives on. */
  | 'nothing'

export interface Case {
  readonly section: string
  readonly name: string
  readonly send: readonly Buffer[]
  readonly expect: Expected
}

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR, REFUSED_STREAM } =
  ErrorCode
const { END_STREAM, END_HEADERS } = Flag

const number = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const join = (...parts: Buffer[]) => Buffer.concat(parts)
const connection = (...codes: number[]): Expected => ({ connection: codes })
const stream = (id: number, ...codes: number[]): Expected => ({ stream: id, codes })
const answers = (...ids: number[]): Expected => ({ answers: ids })
const open = (id: number) => headers(id, POST, END_HEADERS)
const request = (...fields: Buffer[]) => [headers(1, join(GET, ...fields))]
const upload = (length: string) => headers(1, join(POST, plain(28, length)), END_HEADERS)

function of(section: string, cases: Record<string, readonly [send: readonly Buffer[], expect: Expected]>): Case[] {
  return Object.entries(cases).map(([name, [send, expect]]) => ({ section, name, send, expect }))
}

/** RFC 9113 and RFC 7541, section by section. */
export const SERVER_CASES: readonly Case[] = [
  ...of('RFC 9113 §3.4, after the preface', {
    'acknowledges a second SETTINGS': [[settings()], 'nothing'],
    'does not mind an acknowledgement too many': [[SETTINGS_ACK], 'nothing'],
  }),
  ...of('RFC 9113 §4.1, frame format', {
    'ignores a frame of an unknown type': [[frame(0x16, 0, 0, Buffer.alloc(8))], 'nothing'],
    'ignores a frame of an unknown type on a stream': [[frame(0xff, 0xff, 5, Buffer.alloc(3))], 'nothing'],
    'ignores undefined flags': [[frame(Type.PING, 0x16, 0, Buffer.alloc(8))], 'nothing'],
    'ignores the reserved bit of a stream id': [[headers(0x80000001, GET)], answers(1)],
    'ignores undefined flags of HEADERS': [[headers(1, GET, END_STREAM | END_HEADERS | 0x52)], answers(1)],
  }),
  ...of('RFC 9113 §4.2, frame size', {
    'takes DATA of 16,384 octets': [[open(1), data(1, Buffer.alloc(16_384), END_STREAM)], answers(1)],
    'refuses larger DATA': [[open(1), data(1, Buffer.alloc(16_385))], stream(1, FRAME_SIZE_ERROR)],
    'refuses larger HEADERS': [[headers(1, join(GET, plain('x', 'y'.repeat(16_400))))], connection(FRAME_SIZE_ERROR)],
    'refuses larger SETTINGS': [[frame(Type.SETTINGS, 0, 0, Buffer.alloc(16_386))], connection(FRAME_SIZE_ERROR)],
  }),
  ...of('RFC 9113 §4.3, header sections', {
    'refuses one that does not decode': [[headers(1, Buffer.of(0x0f))], connection(COMPRESSION_ERROR)],
    'refuses PRIORITY in the middle': [[headers(1, GET, END_STREAM), priority(1, 0)], connection(PROTOCOL_ERROR)],
    'refuses PING in the middle': [[headers(1, GET, END_STREAM), ping()], connection(PROTOCOL_ERROR)],
    'refuses an unknown frame in the middle': [[headers(1, GET, 1), frame(0x20, 0, 1)], connection(PROTOCOL_ERROR)],
    'refuses HEADERS of another stream in the middle': [
      [headers(1, GET, END_STREAM), headers(3, GET)],
      connection(PROTOCOL_ERROR),
    ],
    'joins what comes in pieces': [
      [
        headers(1, GET.subarray(0, 2), END_STREAM),
        continuation(1, GET.subarray(2, 5), 0),
        continuation(1, GET.subarray(5)),
      ],
      answers(1),
    ],
    'takes empty pieces': [[headers(1, GET, END_STREAM), continuation(1, Buffer.alloc(0))], answers(1)],
  }),
  ...of('RFC 9113 §5.1, idle streams', {
    'refuses DATA': [[data(1, 'x')], connection(PROTOCOL_ERROR)],
    'refuses RST_STREAM': [[reset(1)], connection(PROTOCOL_ERROR)],
    'refuses WINDOW_UPDATE': [[windowUpdate(1, 100)], connection(PROTOCOL_ERROR)],
    'refuses CONTINUATION': [[continuation(1, GET)], connection(PROTOCOL_ERROR)],
    'allows PRIORITY': [[priority(1, 0), headers(1, GET)], answers(1)],
  }),
  ...of('RFC 9113 §5.1, half-closed streams', {
    'refuses DATA': [[...request(), data(1, 'x')], stream(1, STREAM_CLOSED)],
    'refuses HEADERS': [[...request(), headers(1, GET)], stream(1, STREAM_CLOSED)],
    'refuses CONTINUATION': [[...request(), continuation(1, GET)], connection(PROTOCOL_ERROR)],
    'refuses the end of a stream twice': [
      [open(1), data(1, '', END_STREAM), data(1, '', END_STREAM)],
      stream(1, STREAM_CLOSED),
    ],
  }),
  ...of('RFC 9113 §5.1, closed streams', {
    'allows RST_STREAM': [[...request(), reset(1)], 'nothing'],
    'allows WINDOW_UPDATE': [[...request(), windowUpdate(1, 1)], answers(1)],
    'allows PRIORITY': [[...request(), priority(1, 3)], answers(1)],
    'refuses CONTINUATION after a reset': [[open(1), reset(1), continuation(1, GET)], connection(PROTOCOL_ERROR)],
  }),
  ...of('RFC 9113 §5.1.1, stream ids', {
    'refuses an even one': [[headers(2, GET)], connection(PROTOCOL_ERROR)],
    'refuses one lower than one that was used': [[headers(5, GET), headers(3, GET)], connection(PROTOCOL_ERROR)],
    'takes one that leaves others out': [[headers(7, GET)], answers(7)],
    'refuses one that was left out': [[headers(1, GET), headers(9, GET), headers(5, GET)], connection(PROTOCOL_ERROR)],
    'takes the highest': [[headers(0x7fffffff, GET)], answers(0x7fffffff)],
  }),
  ...of('RFC 9113 §5.1.2, concurrent streams', {
    'refuses one too many': [
      Array.from({ length: 101 }, (_, i) => open(2 * i + 1)),
      stream(201, REFUSED_STREAM, PROTOCOL_ERROR),
    ],
  }),
  ...of('RFC 9113 §5.3.1, dependencies', {
    'refuses HEADERS of a stream that depends on itself': [
      [headers(1, join(number(1), Buffer.of(15), GET), END_STREAM | END_HEADERS | Flag.PRIORITY)],
      stream(1, PROTOCOL_ERROR),
    ],
    'refuses PRIORITY of a stream that depends on itself': [[open(1), priority(1, 1)], stream(1, PROTOCOL_ERROR)],
    'takes HEADERS with a priority': [
      [headers(1, join(number(3), Buffer.of(200), GET), END_STREAM | END_HEADERS | Flag.PRIORITY)],
      answers(1),
    ],
  }),
  ...of('RFC 9113 §6.1, DATA', {
    'takes it': [[open(1), data(1, 'x'), data(1, 'y', END_STREAM)], answers(1)],
    'takes padding': [
      [
        open(1),
        frame(Type.DATA, END_STREAM | Flag.PADDED, 1, join(Buffer.of(5), Buffer.from('body'), Buffer.alloc(5))),
      ],
      answers(1),
    ],
    'takes nothing but padding': [
      [open(1), frame(Type.DATA, END_STREAM | Flag.PADDED, 1, join(Buffer.of(3), Buffer.alloc(3)))],
      answers(1),
    ],
    'refuses it on stream 0': [[data(0, 'x')], connection(PROTOCOL_ERROR)],
    'refuses padding as long as the frame': [
      [open(1), frame(Type.DATA, Flag.PADDED, 1, join(Buffer.of(5), Buffer.alloc(4)))],
      connection(PROTOCOL_ERROR),
    ],
    'refuses padding of an unknown length': [
      [open(1), frame(Type.DATA, Flag.PADDED, 1)],
      connection(PROTOCOL_ERROR, FRAME_SIZE_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.2, HEADERS', {
    'takes padding': [
      [headers(1, join(Buffer.of(4), GET, Buffer.alloc(4)), END_STREAM | END_HEADERS | Flag.PADDED)],
      answers(1),
    ],
    'takes padding and a priority': [
      [
        headers(
          1,
          join(Buffer.of(2), number(0), Buffer.of(1), GET, Buffer.alloc(2)),
          END_STREAM | END_HEADERS | Flag.PADDED | Flag.PRIORITY,
        ),
      ],
      answers(1),
    ],
    'refuses it on stream 0': [[headers(0, GET)], connection(PROTOCOL_ERROR)],
    'refuses padding longer than the frame': [
      [headers(1, join(Buffer.of(200), GET), END_STREAM | END_HEADERS | Flag.PADDED)],
      connection(PROTOCOL_ERROR),
    ],
    'refuses a priority cut short': [
      [headers(1, Buffer.alloc(4), END_STREAM | END_HEADERS | Flag.PRIORITY)],
      connection(PROTOCOL_ERROR, FRAME_SIZE_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.3, PRIORITY', {
    'refuses it on stream 0': [[priority(0, 1)], connection(PROTOCOL_ERROR)],
    'refuses a length other than 5': [
      [open(1), frame(Type.PRIORITY, 0, 1, Buffer.alloc(4))],
      stream(1, FRAME_SIZE_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.4, RST_STREAM', {
    'refuses it on stream 0': [[reset(0)], connection(PROTOCOL_ERROR)],
    'refuses a length other than 4': [
      [open(1), frame(Type.RST_STREAM, 0, 1, Buffer.alloc(3))],
      connection(FRAME_SIZE_ERROR),
    ],
    'ends a stream with it, and only that': [[open(1), reset(1), headers(3, GET)], answers(3)],
    'takes DATA that crosses its own': [[upload('1'), data(1, 'xy'), data(1, 'more'), headers(3, GET)], answers(3)],
  }),
  ...of('RFC 9113 §6.5, SETTINGS', {
    'refuses an acknowledgement with a payload': [
      [frame(Type.SETTINGS, Flag.ACK, 0, Buffer.alloc(6))],
      connection(FRAME_SIZE_ERROR),
    ],
    'refuses it on a stream': [[frame(Type.SETTINGS, 0, 1)], connection(PROTOCOL_ERROR)],
    'refuses a length that is no multiple of 6': [
      [frame(Type.SETTINGS, 0, 0, Buffer.alloc(3))],
      connection(FRAME_SIZE_ERROR),
    ],
    'refuses ENABLE_PUSH other than 0 and 1': [[settings([2, 2])], connection(PROTOCOL_ERROR)],
    'refuses INITIAL_WINDOW_SIZE beyond 2^31-1': [[settings([4, 0x80000000])], connection(FLOW_CONTROL_ERROR)],
    'refuses MAX_FRAME_SIZE below 16,384': [[settings([5, 16_383])], connection(PROTOCOL_ERROR)],
    'refuses MAX_FRAME_SIZE beyond 2^24-1': [[settings([5, 16_777_216])], connection(PROTOCOL_ERROR)],
    'ignores an unknown setting': [[settings([0xff, 1])], 'nothing'],
    'takes MAX_FRAME_SIZE at both ends': [[settings([5, 16_384], [5, 16_777_215])], 'nothing'],
    'answers within a window that was made smaller and larger again': [
      [settings([4, 0]), headers(1, GET), settings([4, 65_535])],
      answers(1),
    ],
  }),
  ...of('RFC 9113 §6.6, PUSH_PROMISE', {
    'refuses it from a client': [
      [open(1), frame(Type.PUSH_PROMISE, END_HEADERS, 1, join(number(2), GET))],
      connection(PROTOCOL_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.7, PING', {
    'does not answer an acknowledgement': [[ping('nobody-a', Flag.ACK)], 'nothing'],
    'refuses it on a stream': [[frame(Type.PING, 0, 1, Buffer.alloc(8))], connection(PROTOCOL_ERROR)],
    'refuses a length other than 8': [[frame(Type.PING, 0, 0, Buffer.alloc(6))], connection(FRAME_SIZE_ERROR)],
  }),
  ...of('RFC 9113 §6.8, GOAWAY', {
    'refuses it on a stream': [[frame(Type.GOAWAY, 0, 1, Buffer.alloc(8))], connection(PROTOCOL_ERROR)],
    'refuses one that is too short': [[frame(Type.GOAWAY, 0, 0, Buffer.alloc(7))], connection(FRAME_SIZE_ERROR)],
    'answers a request that came before it': [[headers(1, GET), goAway(0)], { answers: [1] }],
  }),
  ...of('RFC 9113 §6.9, WINDOW_UPDATE', {
    'refuses 0 on stream 0': [[windowUpdate(0, 0)], connection(PROTOCOL_ERROR)],
    'refuses 0 on a stream': [[open(1), windowUpdate(1, 0)], stream(1, PROTOCOL_ERROR)],
    'refuses a length other than 4': [[frame(Type.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))], connection(FRAME_SIZE_ERROR)],
    'refuses a connection window beyond 2^31-1': [
      [windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff)],
      connection(FLOW_CONTROL_ERROR),
    ],
    'refuses a stream window beyond 2^31-1': [
      [open(1), windowUpdate(1, 0x7fffffff), windowUpdate(1, 0x7fffffff)],
      stream(1, FLOW_CONTROL_ERROR),
    ],
    'refuses a setting that takes a window beyond 2^31-1': [
      [open(1), windowUpdate(1, 0x7fff0000), settings([4, 0x7fffffff])],
      connection(FLOW_CONTROL_ERROR),
    ],
  }),
  ...of('RFC 9113 §6.10, CONTINUATION', {
    'takes several': [
      [
        headers(1, GET.subarray(0, 1), END_STREAM),
        continuation(1, GET.subarray(1, 3), 0),
        continuation(1, GET.subarray(3)),
      ],
      answers(1),
    ],
    'refuses it after a section that is complete': [[...request(), continuation(1, GET)], connection(PROTOCOL_ERROR)],
    'refuses it after DATA': [[open(1), data(1, 'x'), continuation(1, GET)], connection(PROTOCOL_ERROR)],
    'refuses it on stream 0': [[headers(1, GET, END_STREAM), continuation(0, GET)], connection(PROTOCOL_ERROR)],
    'refuses it on another stream': [[headers(1, GET, END_STREAM), continuation(3, GET)], connection(PROTOCOL_ERROR)],
  }),
  ...of('RFC 9113 §8.1, messages', {
    'refuses a second header section that does not end the stream': [
      [open(1), headers(1, plain('x', 'y'), END_HEADERS)],
      stream(1, PROTOCOL_ERROR),
    ],
    'takes trailers': [[open(1), data(1, 'x'), headers(1, plain('x', 'y'))], answers(1)],
    'refuses pseudo-header fields in trailers': [[open(1), headers(1, indexed(2))], stream(1, PROTOCOL_ERROR)],
  }),
  ...of('RFC 9113 §8.1.1, malformed messages', {
    'refuses less DATA than content-length says': [
      [upload('5'), data(1, 'four', END_STREAM)],
      stream(1, PROTOCOL_ERROR),
    ],
    'refuses more DATA than content-length says': [
      [upload('5'), data(1, 'fo'), data(1, 'urfive', END_STREAM)],
      stream(1, PROTOCOL_ERROR),
    ],
    'refuses no DATA where content-length says some': [
      [headers(1, join(POST, plain(28, '1')))],
      stream(1, PROTOCOL_ERROR),
    ],
    'refuses less DATA before trailers than content-length says': [
      [upload('2'), data(1, 'x'), headers(1, plain('x', 'y'))],
      stream(1, PROTOCOL_ERROR),
    ],
    'takes as much DATA as content-length says': [[upload('4'), data(1, 'fo'), data(1, 'ur', END_STREAM)], answers(1)],
    'takes a content-length of 0': [[headers(1, join(POST, plain(28, '0')))], answers(1)],
  }),
  ...of('RFC 9113 §8.2, fields', {
    'refuses an upper-case name': [request(plain('X-Test', 'ok')), stream(1, PROTOCOL_ERROR)],
    'refuses a line feed in a value': [request(plain('x', 'a\nb')), stream(1, PROTOCOL_ERROR)],
    'refuses a space at the edge of a value': [request(plain('x', 'a ')), stream(1, PROTOCOL_ERROR)],
    'refuses connection': [request(plain('connection', 'keep-alive')), stream(1, PROTOCOL_ERROR)],
    'refuses transfer-encoding': [request(plain('transfer-encoding', 'chunked')), stream(1, PROTOCOL_ERROR)],
    'refuses te other than trailers': [request(plain('te', 'trailers, deflate')), stream(1, PROTOCOL_ERROR)],
    'takes te: trailers': [request(plain('te', 'trailers')), answers(1)],
    'answers others after a malformed one': [[...request(plain('X', 'y')), headers(3, GET)], answers(3)],
  }),
  ...of('RFC 9113 §8.3, pseudo-header fields', {
    'refuses an unknown one': [request(plain(':test', 'ok')), stream(1, PROTOCOL_ERROR)],
    'refuses one of responses': [request(OK), stream(1, PROTOCOL_ERROR)],
    'refuses one behind other fields': [
      [headers(1, join(indexed(2), plain('x', 'y'), indexed(6), indexed(4), plain(1, 'a')))],
      stream(1, PROTOCOL_ERROR),
    ],
    'refuses one that comes twice': [request(indexed(4)), stream(1, PROTOCOL_ERROR)],
    'refuses an empty path': [
      [headers(1, join(indexed(2), indexed(6), plain(4, ''), plain(1, 'a')))],
      stream(1, PROTOCOL_ERROR),
    ],
    'refuses a request without a method': [[headers(1, GET.subarray(1))], stream(1, PROTOCOL_ERROR)],
  }),
  ...of('RFC 7541, header compression', {
    'refuses an index beyond the tables': [request(indexed(70)), connection(COMPRESSION_ERROR)],
    'refuses index 0': [request(indexed(0)), connection(COMPRESSION_ERROR)],
    'refuses a table size update at the end': [request(resized(1)), connection(COMPRESSION_ERROR)],
    'refuses a table size beyond the setting': [[headers(1, join(resized(4097), GET))], connection(COMPRESSION_ERROR)],
    'refuses padding longer than 7 bits': [
      request(Buffer.from('0085f2b24a84ff84494e53ffff', 'hex')),
      connection(COMPRESSION_ERROR),
    ],
    'refuses EOS in a string': [
      request(Buffer.from('000161 84 ffffffff'.replaceAll(' ', ''), 'hex')),
      connection(COMPRESSION_ERROR),
    ],
    'refers to fields of earlier requests': [
      [headers(1, join(GET, inserted('x-a', 'b'))), headers(3, join(GET, indexed(62)))],
      answers(1, 3),
    ],
    'keeps fields of a request that it refused': [
      [headers(1, join(GET, plain('X', 'y'), inserted('x-a', 'b'))), headers(3, join(GET, indexed(62)))],
      answers(3),
    ],
    'keeps fields of a request on a stream that was reset': [
      [open(1), reset(1), headers(3, join(GET, inserted('x-a', 'b'))), headers(5, join(GET, indexed(62)))],
      answers(3, 5),
    ],
  }),
]
