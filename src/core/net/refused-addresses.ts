import { CidrSet } from './cidr-set.js'

const UNSPECIFIED = new CidrSet(['0.0.0.0/8', '::'])
const LINK_LOCAL = new CidrSet(['169.254.0.0/16', 'fe80::/10'])

/**
 * What makes an IP address none to connect to, whatever the registry says: link-local ones (metadata services live there) and
 * unspecified ones (they mean "this machine"). Undefined where nothing does.
 */
export function refusedKind(ip: string): string | undefined {
  if (isUnspecified(ip)) return 'an unspecified address'
  if (LINK_LOCAL.has(ip)) return 'a link-local address'
  return undefined
}

export function isUnspecified(ip: string): boolean {
  return UNSPECIFIED.has(ip)
}
