import type { Flusher } from '../transport/flusher.js'
import type { Ticker } from '../ticker.js'

/** What every HTTP connection of a proxy shares. */
export interface HttpEnvironment {
  readonly ticker: Ticker
  readonly flusher: Flusher
  readonly limits: HttpLimits
}

/** What a peer may make a connection hold or do before it is refused or closed. Times in milliseconds, sizes in bytes. */
export interface HttpLimits {
  /** Requests open at once on a client's HTTP/2 connection. */
  readonly maxConcurrentStreams: number
  /** Of a header section, decoded, 32 added per field (RFC 9113 §6.5.2). */
  readonly maxHeadBytes: number
  /** Fields of a header section, every `cookie` crumb counted. */
  readonly maxHeadFields: number
  /** CONTINUATION frames of one header section. */
  readonly maxContinuations: number
  /** Resets a client causes (sent by it or made by us send) that it may do at once, and that it regains each second. */
  readonly resetBurst: number
  readonly resetsPerSecond: number
  /** PING, SETTINGS, PRIORITY, unknown and empty DATA frames, likewise. */
  readonly controlBurst: number
  readonly controlsPerSecond: number
  /** For a request head to be complete, from its first byte; for a client's first request, from the connection. */
  readonly headTimeoutMs: number
  /** Without a byte of an open stream moving although bytes wait for the peer's window or socket. */
  readonly stallTimeoutMs: number
  /** Of a connection without any open stream; of a request of which nothing moves in either direction. */
  readonly idleTimeoutMs: number
  /** Queued for stalled peers in the whole process, beyond which stalled streams are reset. */
  readonly maxQueuedBytes: number
}

export const DEFAULT_LIMITS: HttpLimits = Object.freeze({
  maxConcurrentStreams: 100,
  maxHeadBytes: 32 * 1024,
  maxHeadFields: 100,
  maxContinuations: 8,
  resetBurst: 200,
  resetsPerSecond: 50,
  controlBurst: 1000,
  controlsPerSecond: 100,
  headTimeoutMs: 10_000,
  stallTimeoutMs: 60_000,
  idleTimeoutMs: 300_000,
  maxQueuedBytes: 64 * 1024 * 1024,
})

const ANY_COUNT = [1, Number.MAX_SAFE_INTEGER] as const
const ANY_OR_NONE = [0, Number.MAX_SAFE_INTEGER] as const
/** What timers can wait, milliseconds. */
const ANY_TIME = [1, 2 ** 31 - 1] as const

/** The least and the most that each may be overridden with: whole numbers. */
export const LIMIT_RANGES: Readonly<Record<keyof HttpLimits, readonly [least: number, most: number]>> = {
  maxConcurrentStreams: [1, 2 ** 31 - 1],
  maxHeadBytes: [1, 1024 * 1024],
  maxHeadFields: ANY_COUNT,
  maxContinuations: ANY_OR_NONE,
  resetBurst: ANY_COUNT,
  resetsPerSecond: ANY_OR_NONE,
  controlBurst: ANY_COUNT,
  controlsPerSecond: ANY_OR_NONE,
  headTimeoutMs: ANY_TIME,
  stallTimeoutMs: ANY_TIME,
  idleTimeoutMs: ANY_TIME,
  maxQueuedBytes: ANY_OR_NONE,
}
