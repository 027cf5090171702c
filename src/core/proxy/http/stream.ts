import type { Head } from './head.js'

/** HTTP/2 error codes (RFC 9113 §7); HTTP/1.1 connections are told why a stream ends in the same words. */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const

/**
 * One request and its response on one connection, whatever the protocol. The relay joins two: what arrives on the
 * downstream stream is sent on the upstream stream, and back. Methods neither block nor throw for a peer's reason, and
 * may be called inside callbacks; on a stream that is over they do nothing. Bytes are copied before a call returns.
 */
export interface Stream {
  /** Downstream only: an interim response (1xx, not 101). */
  sendInterim(head: Head): void
  /**
   * Downstream only (an upstream stream's request head goes out with its opening): the final response, 101 included, which makes the
   * stream a tunnel of bytes. `extra` is a field block appended to the head's, `end` that nothing follows.
   */
  sendHead(head: Head, extra: Buffer, end: boolean): void
  /** Sends `bytes[offset, offset + length)`, or queues what the peer's flow control does not take yet. Length 0 is allowed. */
  sendData(bytes: Buffer, offset: number, length: number, end: boolean): void
  /** Sends trailers, after what is queued, and ends this direction. */
  sendTrailers(head: Head): void
  /** Breaks off both directions: RST_STREAM, or closing an HTTP/1.1 connection. Drops what is queued. No callback follows. */
  reset(code: number): void
  /** Bytes that the peer takes beyond those sent: its window (negative after it shrank). Infinity where only the socket limits. */
  readonly credit: number
  /** Bytes waiting here for credit. */
  readonly queued: number
  /**
   * Tells the stream how far what it receives can go on: the credit and the queue of the stream it is sent on. The stream grants
   * its own peer room accordingly (window updates; pausing and resuming reads).
   */
  allow(credit: number, queued: number): void
}

/** Hears of one stream. After `onBroken`, or after an end in both directions, nothing follows. */
export interface StreamReceiver {
  /** Upstream only: an interim response (1xx, not 101). */
  onInterim(head: Head): void
  /** Upstream only: the final response (or 101: a tunnel). */
  onHead(head: Head, end: boolean): void
  /** A piece of the body; valid until this returns. Length 0 with `end` is how a body ends late. */
  onData(bytes: Buffer, offset: number, length: number, end: boolean): void
  /** Trailers, which end this direction. */
  onTrailers(head: Head): void
  /** The peer or its connection broke the stream off. */
  onBroken(broken: Broken): void
  /** `credit` or `queued` of the stream changed by itself (a window update, a socket that drained). */
  onCredit(): void
}

/** How a stream was broken off. */
export interface Broken {
  /** An `ErrorCode`: the peer's, CONNECT_ERROR for a connection that was lost, or the nearest to what happened. */
  readonly code: number
  /**
   * Whether the peer can have acted on the request. `no`: certainly not (REFUSED_STREAM, a GOAWAY below this stream, a
   * request of which nothing was written). `maybe`: the connection ended before any of the response came. `yes`: it answered.
   */
  readonly processed: 'no' | 'maybe' | 'yes'
  /** For people. */
  readonly reason: string
}

/** A client's connection. */
export interface DownstreamConnection {
  /** Takes no new requests (GOAWAY; `connection: close`), lets the ones under way end, then closes. Idempotent. */
  drain(): void
  /** Breaks everything off at once. Idempotent; `onClosed` still follows, once. */
  abort(): void
}

/** Takes requests from a client's connection. */
export interface RequestHandler {
  /**
   * A request has come; returns who hears of the rest of it. `end`: it has no body. The answer may be sent at once or later.
   * A request that offers an upgrade (`head.upgrade`) has not ended: what follows is the tunnel's after a 101, and the end alone
   * (`onData` of length 0) as soon as another final response is sent.
   */
  onRequest(stream: Stream, head: Head, end: boolean): StreamReceiver
  /** The client broke the protocol or a limit, and is answered or dropped accordingly. Called at most once a connection. */
  onFault(reason: string): void
  /** The connection is over; every stream of it has been told. Called once. */
  onClosed(): void
}

/** A connection to an endpoint. */
export interface UpstreamConnection {
  readonly protocol: 'h2' | 'h1'
  /** Streams that may be opened now: 0 while it is full, going away or closed. */
  readonly available: number
  /** Streams open now. */
  readonly active: number
  /** The endpoint has shown that it speaks this protocol. */
  readonly confirmed: boolean
  /**
   * Sends a request; only while `available` is above 0. `extra` is a field block appended to the head's. It must never change: it
   * may be kept in another form.
   */
  open(head: Head, extra: Buffer, end: boolean, receiver: StreamReceiver): Stream
  /** Opens nothing more and closes once no stream is open. Idempotent. */
  drain(): void
  /** Breaks everything off at once. Idempotent; `onClosed` still follows, once. */
  abort(): void
}

export interface UpstreamObserver {
  /** `available` rose from 0, or fell for good (the endpoint says GOAWAY, an HTTP/1.1 connection will close). */
  onAvailability(): void
  /**
   * The endpoint has not shown that it speaks this protocol and will not: the connection is of no use. `certain`: it said something
   * else; otherwise it said nothing, or left. Called at most once, before the streams of the connection are told.
   */
  onMismatch(certain: boolean, reason: string): void
  /** The connection is over; every stream of it has been told. Called once. `error` unless it ended in order. */
  onClosed(error?: Error): void
}
