import type { TlsOptions } from 'node:tls'
import type { Scheme } from '../listen.js'

/**
 * What a listener answers to the protocols a client offers (RFC 7301). A client that offers none of what `http` and `grpc`
 * speak is refused with a no_application_protocol alert; one that offers nothing comes in.
 */
export function alpnOptions(scheme: Scheme): Pick<TlsOptions, 'ALPNProtocols' | 'ALPNCallback'> {
  switch (scheme) {
    case 'http':
      return { ALPNProtocols: ['h2', 'http/1.1'] }
    case 'grpc':
      return { ALPNProtocols: ['h2'] }
    case 'auto':
      return { ALPNCallback: ({ protocols }) => HTTP.find((name) => protocols.includes(name)) ?? protocols[0] }
    case 'tcp':
      return {}
  }
}

const HTTP = ['h2', 'http/1.1']
