import { FairleadError } from '../errors.js'
import { CidrSet } from './cidr-set.js'
import type { L4Settings } from './l4/context.js'
import type { ProxyOptions } from './options.js'
import { ticksOf } from './ticker.js'

const HOUR_MS = 3_600_000

/** Checks the options and works out what connections go by. Throws INVALID_ARGUMENT naming the option. */
export function settingsOf(options: ProxyOptions): L4Settings {
  const { proxyProtocol, trust = [], allow = [], maxConnections } = options
  const accepts = proxyProtocol === 'accept' || proxyProtocol === 'both'
  if (accepts && trust.length === 0) {
    throw new FairleadError('INVALID_ARGUMENT', 'accepting the PROXY protocol needs a list of trusted networks', {
      hint: 'name the load balancers in front of this proxy, for example --trust 10.0.0.0/8',
    })
  }
  if (!accepts && trust.length > 0) {
    throw new FairleadError(
      'INVALID_ARGUMENT',
      'trusted networks have no effect without accepting the PROXY protocol',
      {
        hint: 'add --proxy-protocol accept (or both)',
      },
    )
  }
  if (maxConnections !== undefined) wholeNumber('the limit of connections', maxConnections, 1, Number.MAX_SAFE_INTEGER)
  return {
    attempts: 1 + wholeNumber('retries', options.retries ?? 1, 0, 100),
    connectTicks: ticksOf(positive('the connect timeout', options.connectTimeoutMs ?? 2000)),
    idleTicks: ticksOf(positive('the idle timeout', options.idleTimeoutMs ?? HOUR_MS)),
    allow: allow.length > 0 ? new CidrSet(allow) : undefined,
    trust: accepts ? new CidrSet(trust) : undefined,
    sendProxyHeader: proxyProtocol === 'send' || proxyProtocol === 'both',
  }
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
