import { FairleadError } from '../errors.js'
import type { HealthOptions } from '../health/monitor.js'
import { isTokenName } from '../model/token.js'
import { CidrSet } from '../net/cidr-set.js'
import { DEFAULT_LIMITS, type HttpLimits, LIMIT_RANGES } from './http/environment.js'
import type { HashOn, ProxyOptions, UpstreamLimits } from './options.js'
import { ticksOf } from './ticker.js'

const HOUR_MS = 3_600_000

/** Envoy's defaults for circuit breakers, but more requests: one connection carries many of them. */
const DEFAULT_UPSTREAM_LIMITS: UpstreamLimits = { maxConnections: 1024, maxPending: 1024, maxRequests: 16_384 }

const NAME_HINT = 'use letters, digits, - and _'

/** What the options of a proxy come to. One frozen object, so that it can be replaced as a whole. */
export interface Settings {
  readonly admission: AdmissionSettings
  readonly l4: L4Settings
  readonly http: HttpSettings
  readonly health: HealthOptions
  /** Milliseconds that an `auto` listener waits for a client's first bytes. */
  readonly sniffTimeoutMs: number
}

export interface AdmissionSettings {
  /** Clients that may connect; everybody if undefined. */
  readonly allow: CidrSet | undefined
  /** Peers that must begin with a PROXY header; nobody's is read if undefined. */
  readonly proxied: CidrSet | undefined
  /** Open connections per listener. */
  readonly maxConnections: number
}

export interface L4Settings {
  /** How many endpoints are tried for a connection before it is given up. */
  readonly attempts: number
  readonly connectTicks: number
  readonly idleTicks: number
  /** Whether upstreams get a PROXY header. */
  readonly sendProxyHeader: boolean
}

export interface HttpSettings {
  readonly limits: HttpLimits
  /** How many attempts a request gets, where trying again is safe. */
  readonly attempts: number
  readonly connectTicks: number
  /** Milliseconds from a request's head to the end of its response; Infinity for no limit. */
  readonly requestTimeoutMs: number
  readonly upstreamLimits: UpstreamLimits
  /** What hash policies go by; undefined: what the service's config says, else the client's address. */
  readonly hashOn: HashOn | undefined
  /** The cookie that keeps a client with its endpoint, and what its values are made with. */
  readonly sticky: { readonly name: string; readonly key: Buffer } | undefined
  /** Clients whose `x-forwarded-*` and `forwarded` are believed; nobody's if undefined. */
  readonly trust: CidrSet | undefined
}

/** Checks the options and works out what connections go by. Throws INVALID_ARGUMENT naming the option. */
export function settingsOf(options: ProxyOptions): Settings {
  const { proxyProtocol, maxConnections = Infinity } = options
  const accepts = proxyProtocol === 'accept' || proxyProtocol === 'both'
  if (maxConnections !== Infinity) wholeNumber('the limit of connections', maxConnections, 1, Number.MAX_SAFE_INTEGER)
  demandOwnConnections(options)
  const trust = trustOf(options, accepts)
  const idleMs = options.idleTimeoutMs === undefined ? undefined : positive('the idle timeout', options.idleTimeoutMs)
  const attempts = 1 + wholeNumber('retries', options.retries ?? 1, 0, 100)
  const connectTicks = ticksOf(positive('the connect timeout', options.connectTimeoutMs ?? 2000))
  const { requestTimeoutMs = Infinity } = options
  return Object.freeze({
    admission: { allow: networks(options.allow), proxied: accepts ? trust : undefined, maxConnections },
    l4: {
      attempts,
      connectTicks,
      idleTicks: ticksOf(idleMs ?? HOUR_MS),
      sendProxyHeader: proxyProtocol === 'send' || proxyProtocol === 'both',
    },
    http: {
      limits: {
        ...DEFAULT_LIMITS,
        ...(idleMs !== undefined && { idleTimeoutMs: idleMs }),
        ...httpLimits(options.limits),
      },
      attempts,
      connectTicks,
      requestTimeoutMs: requestTimeoutMs === Infinity ? Infinity : positive('the request timeout', requestTimeoutMs),
      upstreamLimits: upstreamLimits(options.upstreamLimits),
      hashOn: hashOn(options.hashOn),
      sticky: stickyOf(options),
      trust,
    },
    health: healthOf(options),
    sniffTimeoutMs: positive('the time to wait for first bytes', options.sniffTimeoutMs ?? 50),
  })
}

/** A PROXY header speaks for a whole connection, and those that carry HTTP to an endpoint are shared by clients. */
function demandOwnConnections({ proxyProtocol, listeners }: ProxyOptions): void {
  if (proxyProtocol !== 'send' && proxyProtocol !== 'both') return
  const shared = listeners.find(({ listen }) => listen.scheme !== 'tcp')?.listen.scheme
  if (shared === undefined) return
  throw new FairleadError('INVALID_ARGUMENT', `no PROXY header can be sent for what comes in on ${shared}://`, {
    hint: 'listen on tcp://, or have endpoints read x-forwarded-for, which HTTP requests are given',
  })
}

function healthOf({ healthCheck: check, healthIntervalMs, outlierDetection = true }: ProxyOptions): HealthOptions {
  const intervalMs = positive('the time between health checks', healthIntervalMs ?? 2000)
  return { outlierDetection, ...(check && { checks: { check, intervalMs } }) }
}

/** Checks what overrides the limits of HTTP. */
function httpLimits(given: Partial<HttpLimits> = {}): Partial<HttpLimits> {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(LIMIT_RANGES, name)) {
      throw new FairleadError('INVALID_ARGUMENT', `there is no limit ${JSON.stringify(name)}`, {
        hint: `limits are ${Object.keys(LIMIT_RANGES).join(', ')}`,
      })
    }
    const [least, most] = LIMIT_RANGES[name as keyof HttpLimits]
    wholeNumber(`limits.${name}`, value, least, most)
  }
  return given
}

function upstreamLimits(given: ProxyOptions['upstreamLimits'] = {}): UpstreamLimits {
  const limits = { ...DEFAULT_UPSTREAM_LIMITS, ...given }
  wholeNumber('the limit of connections to an endpoint', limits.maxConnections, 1, Number.MAX_SAFE_INTEGER)
  wholeNumber('the limit of requests that wait for an endpoint', limits.maxPending, 0, Number.MAX_SAFE_INTEGER)
  wholeNumber('the limit of requests to an endpoint', limits.maxRequests, 1, Number.MAX_SAFE_INTEGER)
  return limits
}

function hashOn(given: HashOn | undefined): HashOn | undefined {
  if (given?.kind !== 'header' && given?.kind !== 'cookie') return given
  const { kind, name } = given
  if (isTokenName(name)) return { kind, name: kind === 'header' ? name.toLowerCase() : name }
  throw new FairleadError('INVALID_ARGUMENT', `${JSON.stringify(name)} is not the name of a ${kind} to hash on`, {
    hint: NAME_HINT,
  })
}

function stickyOf({ stickyCookie: name, stickyKey = '' }: ProxyOptions): HttpSettings['sticky'] {
  if (name === undefined) return undefined
  if (isTokenName(name)) return { name, key: Buffer.from(stickyKey) }
  throw new FairleadError('INVALID_ARGUMENT', `${JSON.stringify(name)} is not the name of a cookie`, {
    hint: NAME_HINT,
  })
}

function trustOf({ trust, listeners }: ProxyOptions, acceptsProxyHeaders: boolean): CidrSet | undefined {
  const trusted = networks(trust)
  if (acceptsProxyHeaders && !trusted) {
    throw new FairleadError('INVALID_ARGUMENT', 'accepting the PROXY protocol needs a list of trusted networks', {
      hint: 'name the load balancers in front of this proxy, for example --trust 10.0.0.0/8',
    })
  }
  if (trusted && !acceptsProxyHeaders && listeners.every(({ listen }) => listen.scheme === 'tcp')) {
    throw new FairleadError(
      'INVALID_ARGUMENT',
      'trusted networks have no effect on TCP without accepting the PROXY protocol',
      { hint: 'add --proxy-protocol accept (or both)' },
    )
  }
  return trusted
}

function networks(list: readonly string[] = []): CidrSet | undefined {
  return list.length > 0 ? new CidrSet(list) : undefined
}

function wholeNumber(what: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new FairleadError('INVALID_ARGUMENT', `${what} must be a whole number of at least ${min}, not ${value}`, {
    ...(max < Number.MAX_SAFE_INTEGER && { hint: `use ${min} to ${max}` }),
  })
}

function positive(what: string, ms: number): number {
  if (ms > 0 && Number.isFinite(ms)) return ms
  throw new FairleadError('INVALID_ARGUMENT', `${what} must be longer than 0`, { hint: 'write 500ms, 2s or 1h, say' })
}
