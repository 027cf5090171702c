import { Flags } from '@oclif/core'
import { proxyFlags } from '../proxy/flags.js'

const LISTENING = 'LISTENING'

/** The flags of `serve`. Where one says the same as of `proxy`, it is that one. */
export const serveFlags = {
  'grpclb': Flags.string({
    helpGroup: LISTENING,
    helpValue: 'LISTEN',
    description: 'answer gRPC clients that ask a lookaside balancer (policy grpclb)',
  }),
  'xds': Flags.string({
    helpGroup: LISTENING,
    helpValue: 'LISTEN',
    description: 'answer gRPC clients (xds:///SERVICE) and Envoy; may be the address of --grpclb',
  }),
  'zone': Flags.string({
    helpGroup: 'BALANCING',
    helpValue: 'ZONE',
    description: 'servers of this zone go first, for clients that do not say theirs',
  }),
  'report-interval': Flags.string({
    helpGroup: 'BALANCING',
    helpValue: 'DURATION',
    description: 'how often clients are asked to report their load, at least 1s, 0 for never [default: 10s]',
  }),
  'snapshot': proxyFlags.snapshot,
  'health-check': proxyFlags['health-check'],
  'health-interval': proxyFlags['health-interval'],
  'tls-cert': proxyFlags['tls-cert'],
  'tls-key': proxyFlags['tls-key'],
  'tls-client-ca': proxyFlags['tls-client-ca'],
}
