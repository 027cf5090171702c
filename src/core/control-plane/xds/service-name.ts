import { isServiceName } from '../../model/service.js'

const WITH_PORT = /^(.*):\d{1,5}$/

/**
 * The service behind a listener's name: what clients dial, `service` or `service:port`, whatever the port. Undefined for what names
 * no service.
 */
export function serviceOfListener(name: string): string | undefined {
  return serviceOfCluster(WITH_PORT.exec(name)?.[1] ?? name)
}

/** The service behind the name of a cluster, its endpoints or its route: the name itself, if it can be one. */
export function serviceOfCluster(name: string): string | undefined {
  return isServiceName(name) ? name : undefined
}
