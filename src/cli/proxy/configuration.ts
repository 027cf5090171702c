import { choosePolicy } from '../../core/balancer/service-config.js'
import { FairleadError } from '../../core/errors.js'
import { parseCheck } from '../../core/health/check.js'
import { type Listen, parseListen } from '../../core/proxy/listen.js'
import type { ProxyOptions } from '../../core/proxy/options.js'
import { parseDuration } from '../../core/library/duration.js'
import { noEffect, refuseIdleCheckFlags, tlsFiles } from '../server-values.js'
import { type AdminConfiguration, adminConfiguration } from '../admin/configuration.js'
import type { ProxyValues } from './flags.js'
import { parseCookieName, parseHashOn } from './hash-on.js'
import { readSecret } from '../secret.js'

/** What a `proxy` command line and its config file come to. */
export interface ProxyConfiguration {
  readonly options: Omit<ProxyOptions, 'onEvent'>
  readonly drainTimeoutMs: number
  readonly snapshotFile: string | undefined
  readonly workers: number
  readonly admin: AdminConfiguration
  /** What was given, as the `proxy` section of a config file: paths of secrets, no secrets. */
  readonly given: Readonly<Record<string, unknown>>
}

const DEFAULT_DRAIN_TIMEOUT = '30s'
const MAX_WORKERS = 256

/**
 * Turns `LISTEN=TARGET…` and the values of the flags into options. Throws INVALID_ARGUMENT naming what is wrong, and for
 * what would have no effect. Ranges of numbers are left to who starts the proxy.
 */
export function proxyConfiguration(targets: readonly string[], values: ProxyValues): ProxyConfiguration {
  if (targets.length === 0) {
    throw new FairleadError('INVALID_ARGUMENT', 'missing LISTEN=TARGET: nothing to listen on', {
      hint: 'for example 8080=web; or `listen` in the `proxy` section of a config file',
    })
  }
  const listeners = targets.map(parseListen)
  refuseWithoutEffect(listeners, values)
  const { 'drain-timeout': drainTimeout = DEFAULT_DRAIN_TIMEOUT } = values
  return {
    options: { listeners, ...balancing(values), ...health(values), ...connections(values), ...access(values) },
    drainTimeoutMs: parseDuration(drainTimeout, '--drain-timeout'),
    snapshotFile: values.snapshot,
    workers: workerCount(values.workers ?? 1),
    admin: adminConfiguration(values),
    given: { listen: targets, ...values },
  }
}

function balancing(values: ProxyValues) {
  const { policy, 'hash-on': hashOn, sticky, 'sticky-key-file': keyFile, retries } = values
  return {
    ...(policy !== undefined && { policy: choosePolicy(policy) }),
    ...(hashOn !== undefined && { hashOn: parseHashOn(hashOn) }),
    ...(sticky !== undefined && { stickyCookie: parseCookieName(sticky) }),
    ...(keyFile !== undefined && { stickyKey: readSecret('--sticky-key-file', keyFile) }),
    ...(retries !== undefined && { retries }),
  }
}

function health(values: ProxyValues) {
  const { 'health-check': check } = values
  return {
    ...(check !== undefined && { healthCheck: parseCheck(check) }),
    ...milliseconds(values, 'health-interval', 'healthIntervalMs'),
    ...(values['no-outlier'] && { outlierDetection: false }),
  }
}

function connections(values: ProxyValues) {
  const { 'max-connections': maxConnections } = values
  return {
    ...milliseconds(values, 'connect-timeout', 'connectTimeoutMs'),
    ...milliseconds(values, 'idle-timeout', 'idleTimeoutMs'),
    ...milliseconds(values, 'request-timeout', 'requestTimeoutMs'),
    ...milliseconds(values, 'sniff-timeout', 'sniffTimeoutMs'),
    ...(maxConnections !== undefined && { maxConnections }),
  }
}

function access(values: ProxyValues) {
  const { 'upstream-ca': caFile, 'proxy-protocol': proxyProtocol, trust, allow } = values
  const tls = tlsFiles(values)
  return {
    ...(tls && { tls }),
    ...(values['upstream-tls'] && { upstreamTls: caFile === undefined ? {} : { caFile } }),
    ...(proxyProtocol && { proxyProtocol }),
    ...(trust && { trust }),
    ...(allow && { allow }),
  }
}

type DurationFlag = 'health-interval' | 'connect-timeout' | 'idle-timeout' | 'request-timeout' | 'sniff-timeout'

function milliseconds<Option extends string>(values: ProxyValues, flag: DurationFlag, option: Option) {
  const text = values[flag]
  return text === undefined ? {} : ({ [option]: parseDuration(text, `--${flag}`) } as Record<Option, number>)
}

function workerCount(workers: number): number {
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS) return workers
  throw new FairleadError('INVALID_ARGUMENT', `bad --workers ${workers}`, { hint: `use 1 to ${MAX_WORKERS}` })
}

/** Throws INVALID_ARGUMENT for a flag that changes nothing with these listeners and the other flags. */
function refuseWithoutEffect(listeners: readonly Listen[], values: ProxyValues): void {
  const { 'hash-on': hashOn } = values
  const schemes = new Set(listeners.map(({ listen }) => listen.scheme))
  if (schemes.size === 1 && schemes.has('tcp')) {
    const requests = 'every listener is tcp://, where there are no requests'
    const hint = 'listen on http://, grpc:// or auto://'
    if (values.sticky !== undefined) noEffect('sticky', requests, hint)
    if (values['request-timeout'] !== undefined) noEffect('request-timeout', requests, hint)
    if (hashOn !== undefined && hashOn !== 'source_ip') noEffect(`hash-on ${hashOn}`, requests, hint)
  }
  if (values['sticky-key-file'] !== undefined && values.sticky === undefined) {
    noEffect('sticky-key-file', 'no cookie is given', 'add --sticky')
  }
  if (values['sniff-timeout'] !== undefined && !schemes.has('auto')) {
    noEffect('sniff-timeout', 'no listener is auto://', 'leave it out')
  }
  refuseIdleCheckFlags(values)
  if (values['upstream-ca'] !== undefined && !values['upstream-tls']) {
    noEffect('upstream-ca', 'endpoints are not spoken to over TLS', 'add --upstream-tls')
  }
  if (values.snapshot !== undefined && !listeners.some(({ target }) => target.kind === 'service')) {
    noEffect('snapshot', 'no target is a service', 'leave it out')
  }
}
