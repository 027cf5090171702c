import { parseCallConfigs } from '../balancer/call-config.js'
import { parseServiceConfig } from '../balancer/service-config.js'
import { FairleadError } from '../errors.js'
import { decodeServiceConfig } from '../registry/service-config.js'
import type { Entry } from '../registry/store.js'
import type { Finding, Severity } from './finding.js'

/** Whether those who balance the service understand its config. */
export function checkConfig(service: string, entry: Entry, endpoints: number): Finding[] {
  const fix = `fairlead config set ${service} JSON, or fairlead config unset ${service}`
  const finding = (severity: Severity, what: string): Finding[] => [
    { severity, check: 'config', service, subject: entry.key, what, fix },
  ]
  const decoded = decodeServiceConfig(entry)
  if ('reason' in decoded) return finding('error', decoded.reason)
  const { config } = decoded
  const problems = [
    ...faultOf(() => parseServiceConfig(config)).flatMap((message) =>
      finding('error', `nobody understands its policy: ${message}`),
    ),
    ...faultOf(() => parseCallConfigs(config)).flatMap((message) =>
      finding('error', `nobody understands what it says about calls: ${message}`),
    ),
  ]
  if (problems.length > 0 || endpoints > 0) return problems
  return finding('info', `${service} has a service config and no endpoints`)
}

function faultOf(parse: () => unknown): string[] {
  try {
    parse()
    return []
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error
    return [error.message]
  }
}
