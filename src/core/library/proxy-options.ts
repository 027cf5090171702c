import { FairleadError } from '../errors.js'
import { parseCheck } from '../health/check.js'
import { parseListenAddress, parseTarget } from '../proxy/listen.js'
import type { ProxyOptions } from '../proxy/options.js'
import { balancerOptions, type PolicyOptions } from './policy.js'

/** One listener and what it relays to. */
export interface ProxyServiceOptions extends PolicyOptions, Omit<ProxyOptions, 'listeners' | 'policy' | 'healthCheck'> {
  /** `[tcp://|http://|grpc://|auto://][HOST]:PORT` or `PORT`; scheme `auto`, host 127.0.0.1 unless given, port 0 takes a free one. */
  readonly listen: string | number
  /** A service of the registry, or `ADDRESS[@WEIGHT],…`. */
  readonly service: string
  /** Checks every endpoint: `tcp`, `http:/PATH`, `http:STATUSES:/PATH`, `grpc` or `grpc:SERVICE`. Default: no active checks. */
  readonly healthCheck?: string
}

/** The options of the proxy itself. Throws INVALID_ARGUMENT. */
export function proxyOptions(options: ProxyServiceOptions): ProxyOptions {
  const { listen, service, policy: _name, policyConfig: _config, healthCheck, ...others } = options
  if (typeof service !== 'string') throw new FairleadError('INVALID_ARGUMENT', 'proxy needs a service to relay to')
  const listener = { listen: parseListenAddress(String(listen)), target: parseTarget(service) }
  return {
    ...others,
    ...balancerOptions(options),
    ...(healthCheck !== undefined && { healthCheck: parseCheck(healthCheck) }),
    listeners: [listener],
  }
}
