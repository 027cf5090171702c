import { decodeSnapshots, encodeSnapshots } from '../../discovery/snapshot-document.js'
import type { Resolution } from '../../discovery/resolution.js'
import { asFairleadError, EXIT_CODES, type ErrorCode, FairleadError } from '../../errors.js'
import type { Clock } from '../../runtime.js'
import type { ProxyEvent } from '../events.js'
import type { ProxyOptions } from '../options.js'

/** What a worker runs: options without what cannot be sent, and the policy by its name. */
export interface WorkerConfiguration {
  readonly options: Omit<ProxyOptions, 'onEvent' | 'policy'>
  readonly policy: string | undefined
}

/** What the primary asks of a worker, each with what it takes. */
export interface Calls {
  /** Starts the proxy. Answered when it listens. */
  readonly start: { readonly configuration: WorkerConfiguration }
  readonly reload: { readonly configuration: WorkerConfiguration; readonly drainTimeoutMs: number }
  /** Answered with the ListenerStats of each listener. */
  readonly stats: Readonly<Record<string, never>>
  /** Answered with the ListenerReading of each listener. */
  readonly read: Readonly<Record<string, never>>
  /** Answered with how many connections were broken off, when everything is over. */
  readonly drain: { readonly timeoutMs: number }
}

export type Method = keyof Calls
export const METHODS: readonly string[] = ['start', 'reload', 'stats', 'read', 'drain'] satisfies Method[]

/** From the primary to a worker. */
export type ToWorker =
  | { readonly type: 'call'; readonly id: number; readonly method: Method; readonly argument: Calls[Method] }
  | { readonly type: 'resolution'; readonly service: string; readonly resolution: SentResolution }

/** From a worker to the primary. */
export type FromWorker =
  /** It hears what it is told from now on; what came before is lost. */
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: SentError }
  /** Wants to know of a service from now on. */
  | { readonly type: 'resolve'; readonly service: string }
  /** Does not want to know of it any more. */
  | { readonly type: 'release'; readonly service: string }
  | { readonly type: 'disprove'; readonly service: string; readonly address: string }
  | { readonly type: 'event'; readonly event: ProxyEvent }

export interface SentError {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
}

export type SentResolution =
  /** In the form of a snapshot file. */
  | { readonly kind: 'snapshot'; readonly text: string }
  /** Nothing was heard for `forMs`. */
  | { readonly kind: 'stale'; readonly forMs: number; readonly error: SentError }
  /** The service cannot be resolved at all. */
  | { readonly kind: 'failed'; readonly error: SentError }

/** Snapshots between processes are of one registry: their prefix says nothing. */
const PREFIX = '/'

export function encodeResolution(resolution: Resolution, clock: Clock): SentResolution {
  if (resolution.kind === 'snapshot') return { kind: 'snapshot', text: encodeSnapshots(PREFIX, [resolution.snapshot]) }
  return { kind: 'stale', forMs: clock.now() - resolution.since, error: encodeError(resolution.error) }
}

/** What a sent resolution says of `service`. Throws the error of one that failed, and INVALID_ARGUMENT for one that is none. */
export function decodeResolution(service: string, sent: SentResolution, clock: Clock): Resolution {
  switch (sent.kind) {
    case 'failed':
      throw decodeError(sent.error)
    case 'stale':
      return { kind: 'stale', since: clock.now() - sent.forMs, error: decodeError(sent.error) }
    case 'snapshot': {
      const snapshot = decodeSnapshots(PREFIX, sent.text).get(service)
      if (!snapshot) throw new FairleadError('INVALID_ARGUMENT', `a snapshot of ${service} does not hold it`)
      return { kind: 'snapshot', snapshot, departed: new Set() }
    }
  }
}

export function encodeError(error: unknown): SentError {
  const { code, message, hint } = asFairleadError(error)
  return { code, message, hint }
}

export function decodeError(sent: SentError | undefined): FairleadError {
  const code = sent && Object.hasOwn(EXIT_CODES, sent.code) ? (sent.code as ErrorCode) : 'INTERNAL'
  const message = typeof sent?.message === 'string' ? sent.message : 'a worker failed'
  return new FairleadError(code, message, typeof sent?.hint === 'string' ? { hint: sent.hint } : {})
}

/** Whether what came is a message at all: an object that names its type. */
export function isMessage(value: unknown): value is { readonly type: string } {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}
