/**
 * The only doors to time, chance and logs. Core code takes a Runtime and never calls Date.now, setTimeout or
 * Math.random itself, so that tests can drive all three.
 */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin, fractional. For durations; never goes back. */
  now(): number
  /** Wall-clock milliseconds since the Unix epoch. For display only. */
  wall(): number
  /**
   * Calls `callback` once after `ms` milliseconds, or after 24.8 days where that is less; the returned function cancels and may
   * be called at any time.
   */
  after(ms: number, callback: () => void, options?: TimerOptions): () => void
}

export interface TimerOptions {
  /** Whether a pending timer keeps the process alive. Default true. */
  readonly keepAlive?: boolean
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}

/** What belongs to a message, by name. Values may quote the registry or a peer. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where messages go. Its methods must not throw. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Node's timers take more for 1 ms. */
const LONGEST_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, callback, options) => {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_MS))
    if (options?.keepAlive === false) timer.unref()
    return () => clearTimeout(timer)
  },
}

export const systemRandom: Random = { next: Math.random }

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export const systemRuntime: Runtime = { clock: systemClock, random: systemRandom, log: silentLogger }

/** Resolves when the signal aborts; at once if it has. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

/** Resolves after `ms` milliseconds. Rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      cancel()
      reject(signal!.reason)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
