/** Frame types (RFC 9113 §6). */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const

/** Frame flags (RFC 9113 §6). ACK and END_STREAM share a bit, on different frames. */
export const Flag = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const

/** Settings (RFC 9113 §6.5.2). */
export const SettingId = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const

/** What a client's connection begins with (RFC 9113 §3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export const FRAME_HEADER_BYTES = 9
/** The largest payload we take, and the smallest that every peer takes (RFC 9113 §4.2). */
export const FRAME_PAYLOAD_BYTES = 16_384
/** A stream's window before any setting says otherwise, and the one we advertise for good. */
export const INITIAL_WINDOW = 65_535
export const MAX_WINDOW = 0x7fff_ffff
export const MAX_STREAM_ID = 0x7fff_ffff
/** What we let a peer send on a whole connection before it hears from us. */
export const CONNECTION_WINDOW = 1024 * 1024
/** The most a stream is granted at once (relay rule T = max(W, min(w, CAP)), see `Http2Stream.allow`). */
export const CREDIT_CAP = 256 * 1024
/** The HPACK table every peer begins with (RFC 7541 §4.2). */
export const INITIAL_TABLE_SIZE = 4096
