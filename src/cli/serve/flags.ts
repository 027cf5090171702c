import { Flags } from '@oclif/core'
import { proxyFlags } from '../proxy/flags.js'

const LISTENING = 'LISTENING'
const ADMIN = 'ADMIN'

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
  'admin': proxyFlags.admin,
  'admin-token-file': Flags.string({
    helpGroup: ADMIN,
    helpValue: 'FILE',
    description: 'whoever reads on an --admin beyond loopback must show this secret as a bearer token',
  }),
  'no-admin': Flags.boolean({
    helpGroup: ADMIN,
    description: 'open no socket in the runtime folder, which shows the same to this user',
  }),
}
