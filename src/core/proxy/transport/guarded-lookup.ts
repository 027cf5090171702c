import { lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction, type TcpSocketConnectOpts } from 'node:net'
import type { Destination } from './transport.js'

/** What `Socket.connect` takes to reach a destination, its refused addresses left out. */
export function connectOptions(destination: Destination): TcpSocketConnectOpts {
  const { host, port } = destination
  return isIP(host) ? { host, port } : { host, port, lookup: guardedLookup(destination.refuse) }
}

/** Resolves a name and drops the addresses that must not be connected to: those for which `refuse` has a reason. */
export function guardedLookup(refuse: Destination['refuse']): LookupFunction {
  return (name, options, callback) => {
    dnsLookup(name, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '')
      const allowed = refuse ? found.filter(({ address }) => refuse(address) === undefined) : found
      const first = allowed[0]
      if (!first) return callback(new Error(`${name} resolves only to refused addresses`), '')
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}
