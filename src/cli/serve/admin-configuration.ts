import { isLoopback } from '../../core/net/loopback.js'
import { type AdminConfiguration, adminConfiguration, type AdminValues } from '../admin/configuration.js'
import { noEffect } from '../server-values.js'

/** Throws INVALID_ARGUMENT naming what is wrong, has no effect or would be open to everybody. */
export function serveAdminConfiguration(values: AdminValues): AdminConfiguration {
  const configuration = adminConfiguration(values)
  const { address, token } = configuration
  if (address && token !== undefined && isLoopback(address.host)) {
    noEffect(
      'admin-token-file',
      'whoever is on this machine may read there, and nothing can be changed',
      'leave it out, or listen on an address that others reach',
    )
  }
  return configuration
}
