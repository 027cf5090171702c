import { Flags, type Interfaces } from '@oclif/core'
import { POLICY_NAMES } from '../../core/balancer/policies/index.js'

const BALANCING = 'BALANCING'
const HEALTH = 'HEALTH'
const CONNECTIONS = 'CONNECTIONS'
const TLS = 'TLS'
const ACCESS = 'ACCESS'
const ADMIN = 'ADMIN'
const PROCESS = 'PROCESS'

/** The cookie of a bare `--sticky`. */
export const DEFAULT_STICKY_COOKIE = 'fairlead'

const duration = (helpGroup: string, description: string) =>
  Flags.string({ helpGroup, helpValue: 'DURATION', description })
const file = (helpGroup: string, description: string) => Flags.string({ helpGroup, helpValue: 'FILE', description })
const count = (helpGroup: string, description: string) => Flags.integer({ helpGroup, helpValue: 'N', description })
const networks = (description: string) =>
  Flags.string({
    helpGroup: ACCESS,
    helpValue: 'CIDR',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    description,
  })

/**
 * The flags of `proxy`. None has a default of its own: what is not given may come from the config file, and else is the
 * default of the library.
 */
export const proxyFlags = {
  'policy': Flags.string({
    helpGroup: BALANCING,
    helpValue: 'POLICY',
    description: `${POLICY_NAMES.join(', ')} [default: the service's config, else weighted_round_robin]`,
  }),
  'hash-on': Flags.string({
    helpGroup: BALANCING,
    helpValue: 'WHAT',
    description:
      'what source_hash, ring_hash and maglev go by: source_ip, path, header:NAME, cookie:NAME or query:NAME [default: source_ip]',
  }),
  'sticky': Flags.string({
    helpGroup: BALANCING,
    helpLabel: '--sticky[=COOKIE]',
    description: `keep each HTTP client with its endpoint by a cookie [default name: ${DEFAULT_STICKY_COOKIE}]`,
  }),
  'sticky-key-file': file(
    BALANCING,
    'make the cookies with this secret, the same for every proxy that shares clients [default: none; cookies then show nobody an endpoint, but a known id can be tried]',
  ),
  'retries': count(BALANCING, 'further endpoints to try where nothing can have been done twice [default: 1]'),
  'snapshot': file(
    BALANCING,
    'keep what is known of the services in FILE, and start from it while the registry is away',
  ),
  'health-check': Flags.string({
    helpGroup: HEALTH,
    helpValue: 'CHECK',
    description: 'check every endpoint and take out those that fail: tcp, http:[STATUSES:]/PATH or grpc[:SERVICE]',
  }),
  'health-interval': duration(HEALTH, 'how long between two checks of an endpoint [default: 2s]'),
  'no-outlier': Flags.boolean({
    helpGroup: HEALTH,
    description: 'do not take out endpoints whose requests keep failing',
  }),
  'connect-timeout': duration(CONNECTIONS, 'how long connecting to an endpoint may take [default: 2s]'),
  'idle-timeout': duration(
    CONNECTIONS,
    'close connections, and break off HTTP requests, that carried nothing for so long [default: 1h for TCP, 5m for HTTP]',
  ),
  'request-timeout': duration(
    CONNECTIONS,
    'how long an HTTP request may take from its head to the end of its response [default: no limit]',
  ),
  'sniff-timeout': duration(
    CONNECTIONS,
    'how long an auto:// listener waits for first bytes before it takes a client for TCP [default: 50ms]',
  ),
  'drain-timeout': duration(
    CONNECTIONS,
    'how long open connections and requests may go on after SIGTERM [default: 30s]',
  ),
  'max-connections': count(
    CONNECTIONS,
    'open connections per listener; further clients get a reset [default: no limit]',
  ),
  'tls-cert': file(TLS, 'end TLS on every listener with this certificate (PEM); read again when it changes'),
  'tls-key': file(TLS, 'key of --tls-cert (PEM)'),
  'tls-client-ca': file(TLS, 'clients must show a certificate signed by one of these authorities (PEM)'),
  'upstream-tls': Flags.boolean({ helpGroup: TLS, description: 'speak TLS to endpoints, and verify who they are' }),
  'upstream-ca': file(TLS, "authorities (PEM) to verify endpoints with [default: the system's]"),
  'proxy-protocol': Flags.option({
    helpGroup: ACCESS,
    options: ['accept', 'send', 'both'] as const,
    description: 'read the PROXY protocol (1 and 2) from clients in --trust, write it (2) to endpoints, or both',
  })(),
  'trust': networks(
    'networks believed in what they say of clients: their PROXY headers and x-forwarded-* fields; repeatable',
  ),
  'allow': networks('networks that may connect; repeatable [default: everybody]'),
  'admin': Flags.string({
    helpGroup: ADMIN,
    helpValue: '[HOST]:PORT',
    description: 'show metrics, state and events over HTTP on this address too [default host: 127.0.0.1]',
  }),
  'admin-token-file': file(
    ADMIN,
    'what changes endpoints over --admin, and everything beyond loopback, must show this secret as a bearer token',
  ),
  'no-admin': Flags.boolean({
    helpGroup: ADMIN,
    description: 'open no socket in the runtime folder, by which fairlead top finds this proxy',
  }),
  'workers': count(
    PROCESS,
    'processes that share the listeners; each balances, checks and ejects by what it sees itself [default: 1]',
  ),
}

type Given = Interfaces.InferredFlags<typeof proxyFlags>

/** Values of the proxy's flags, from wherever they came. What is not given is absent. */
export type ProxyValues = { readonly [Name in keyof typeof proxyFlags]?: Given[Name] | undefined }

/** The command line with a name for the cookie of a bare `--sticky`: oclif has no flags whose value may be left out. */
export function withStickyName(argv: readonly string[]): string[] {
  return argv.map((word) => (word === '--sticky' ? `--sticky=${DEFAULT_STICKY_COOKIE}` : word))
}
