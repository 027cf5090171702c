import { FairleadError } from '../errors.js'
import { isWellFormed } from '../model/text.js'
import { GRPC_STATUS_NAMES } from './grpc-status-names.js'

/** What a service config says about calls of one method (gRPC service config, `MethodConfig`). */
export interface CallConfig {
  /** Milliseconds from the call's beginning to its end; Infinity for no limit. */
  readonly timeoutMs: number
  /** Whether a call is held until there is an endpoint for it. */
  readonly waitForReady: boolean
  readonly retryPolicy: RetryPolicy | undefined
}

/** gRFC A6. */
export interface RetryPolicy {
  /** The first one included. */
  readonly maxAttempts: number
  readonly initialBackoffMs: number
  readonly maxBackoffMs: number
  readonly backoffMultiplier: number
  /** By status code. */
  readonly retryable: ReadonlySet<number>
}

/** gRFC A6: retries stop while calls to a server fail too often. */
export interface RetryThrottling {
  readonly maxTokens: number
  readonly tokenRatio: number
}

/** "Clients will be expected to … use a maximum of 5 attempts" whatever is configured (gRFC A6). */
const MOST_ATTEMPTS = 5
const MOST_TOKENS = 1000

/** The part of a service config that concerns calls. */
export class CallConfigs {
  readonly throttling: RetryThrottling | undefined
  readonly #methods: ReadonlyMap<string, CallConfig>

  constructor(methods: ReadonlyMap<string, CallConfig>, throttling: RetryThrottling | undefined) {
    this.#methods = methods
    this.throttling = throttling
  }

  /** Whether nothing is configured, so that nobody need ask. */
  get isEmpty(): boolean {
    return this.#methods.size === 0
  }

  /** By `/package.Service/Method`, `/package.Service/` for all methods of one, and empty text for everything else. */
  get methods(): ReadonlyMap<string, CallConfig> {
    return this.#methods
  }

  /** For a path such as `/package.Service/Method`: by method, else by service, else the default (an empty name). */
  find(path: string): CallConfig | undefined {
    return (
      this.#methods.get(path) ?? this.#methods.get(path.slice(0, path.lastIndexOf('/') + 1)) ?? this.#methods.get('')
    )
  }
}

export const NO_CALL_CONFIGS = new CallConfigs(new Map(), undefined)

/** Reads `methodConfig` and `retryThrottling`. Throws INVALID_ARGUMENT where gRPC would refuse the config. */
export function parseCallConfigs(config: Readonly<Record<string, unknown>>): CallConfigs {
  const methods = new Map<string, CallConfig>()
  for (const raw of listField(config, 'methodConfig')) {
    const fields = objectOf(raw, 'an entry of methodConfig')
    const callConfig = parseCallConfig(fields)
    for (const name of listField(fields, 'name')) {
      const key = keyOf(objectOf(name, 'a name of methodConfig'))
      if (methods.has(key)) throw invalid(`methodConfig names ${key === '' ? 'the default' : key} twice`)
      methods.set(key, callConfig)
    }
  }
  const throttling = own(config, 'retryThrottling')
  return new CallConfigs(methods, throttling === undefined ? undefined : parseThrottling(throttling))
}

function keyOf(name: Record<string, unknown>): string {
  const service = own(name, 'service') ?? ''
  const method = own(name, 'method') ?? ''
  if (typeof service !== 'string' || typeof method !== 'string' || !isWellFormed(service + method)) {
    throw invalid('a name of methodConfig is no text')
  }
  if (service === '' && method !== '') throw invalid('a name of methodConfig has a method without a service')
  return service === '' ? '' : `/${service}/${method}`
}

function parseCallConfig(fields: Record<string, unknown>): CallConfig {
  const timeout = own(fields, 'timeout')
  const waitForReady = own(fields, 'waitForReady') ?? false
  if (typeof waitForReady !== 'boolean') throw invalid('waitForReady is neither true nor false')
  const policy = own(fields, 'retryPolicy')
  return {
    timeoutMs: timeout === undefined ? Infinity : duration(timeout, 'timeout'),
    waitForReady,
    retryPolicy: policy === undefined ? undefined : parseRetryPolicy(objectOf(policy, 'retryPolicy')),
  }
}

function parseRetryPolicy(fields: Record<string, unknown>): RetryPolicy {
  const maxAttempts = own(fields, 'maxAttempts')
  if (!Number.isInteger(maxAttempts) || (maxAttempts as number) < 2) throw invalid('maxAttempts is not above 1')
  const multiplier = own(fields, 'backoffMultiplier')
  if (typeof multiplier !== 'number' || !(multiplier > 0)) throw invalid('backoffMultiplier is not above 0')
  const codes = listField(fields, 'retryableStatusCodes')
  if (codes.length === 0) throw invalid('retryableStatusCodes is empty')
  const initialBackoffMs = duration(own(fields, 'initialBackoff'), 'initialBackoff')
  const maxBackoffMs = duration(own(fields, 'maxBackoff'), 'maxBackoff')
  if (initialBackoffMs === 0 || maxBackoffMs === 0) throw invalid('a backoff of 0')
  return {
    maxAttempts: Math.min(MOST_ATTEMPTS, maxAttempts as number),
    initialBackoffMs,
    maxBackoffMs,
    backoffMultiplier: multiplier,
    retryable: new Set(codes.map(statusCode)),
  }
}

function parseThrottling(raw: unknown): RetryThrottling {
  const fields = objectOf(raw, 'retryThrottling')
  const maxTokens = own(fields, 'maxTokens')
  const tokenRatio = own(fields, 'tokenRatio')
  if (!Number.isInteger(maxTokens) || (maxTokens as number) < 1 || (maxTokens as number) > MOST_TOKENS) {
    throw invalid(`maxTokens is not between 1 and ${MOST_TOKENS}`)
  }
  if (typeof tokenRatio !== 'number' || !(tokenRatio > 0)) throw invalid('tokenRatio is not above 0')
  // "decimal places beyond 3 are ignored" (gRFC A6)
  return { maxTokens: maxTokens as number, tokenRatio: Math.floor(tokenRatio * 1000) / 1000 }
}

/** By name in any case, or by number. */
function statusCode(raw: unknown): number {
  const code = typeof raw === 'string' ? (GRPC_STATUS_NAMES as readonly string[]).indexOf(raw.toUpperCase()) : raw
  if (typeof code === 'number' && GRPC_STATUS_NAMES[code] !== undefined) return code
  throw invalid(`${JSON.stringify(raw)} is no status code`)
}

/** A google.protobuf.Duration in JSON: decimal seconds with an `s` behind. In milliseconds. */
function duration(raw: unknown, name: string): number {
  if (typeof raw === 'string' && /^\d{1,12}(\.\d{1,9})?s$/.test(raw)) return Number(raw.slice(0, -1)) * 1000
  throw invalid(`${name} is not a duration such as "1.5s"`)
}

function listField(fields: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const list = own(fields, name) ?? []
  if (!Array.isArray(list)) throw invalid(`${name} is not a list`)
  return list
}

function objectOf(raw: unknown, what: string): Record<string, unknown> {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return raw as Record<string, unknown>
  throw invalid(`${what} is not an object`)
}

/** Null counts as absent (proto3 JSON mapping). */
function own(fields: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined
}

function invalid(message: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `service config: ${message}`)
}
