import { quote } from './quote.js'
import type { Layer } from './layer.js'
import type { PolicyAdvice } from './policy.js'
import type { Answers } from './answers.js'
import type { Way } from './way.js'

/** A command line for a shell, and what it is for. */
export interface AdvisedCommand {
  readonly purpose: string
  readonly command: string
}

/** What the commands are made of. */
export interface Plan {
  readonly service: string
  readonly answers: Answers
  readonly way: Way
  /** Of a proxy. */
  readonly layer: Layer | undefined
  readonly policy: PolicyAdvice
}

/** Where servers listen, and where a proxy does: in clear, and with TLS. */
export const PORTS = {
  grpc: { server: 50051, plain: 50051, tls: 8443 },
  http: { server: 8080, plain: 8080, tls: 8443 },
  tcp: { server: 5432, plain: 5432, tls: 5432 },
}
export const LOOKASIDE_PORT = 8001
const XDS_PORT = 18000
const TLS = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem']

/** All that is to be run, in order. */
export function commandsOf(plan: Plan): readonly AdvisedCommand[] {
  return [register(plan), ...configure(plan), ...balance(plan)]
}

function register({ service, answers, policy }: Plan): AdvisedCommand {
  const words = ['register', service, `10.0.0.5:${PORTS[answers.protocol].server}`]
  if (policy.isByLoad) words.push('--report-load', 'cpu')
  else if (answers.servers === 'mixed') words.push('--weight', '3')
  return { purpose: 'beside each server, for as long as it runs', command: commandLine(words) }
}

/** A proxy takes the policy from its flags, unless that takes more than a name. */
function configure({ service, way, policy }: Plan): readonly AdvisedCommand[] {
  if (way === 'proxy' && !policy.isByLoad) return []
  const config = JSON.stringify({ loadBalancingConfig: [{ [policy.policy]: policy.config }] })
  return [{ purpose: 'once: how the service is balanced', command: commandLine(['config', 'set', service, config]) }]
}

function balance(plan: Plan): readonly AdvisedCommand[] {
  switch (plan.way) {
    case 'client':
      return []
    case 'proxy':
      return [proxy(plan)]
    case 'lookaside': {
      const words = ['serve', '--grpclb', `0.0.0.0:${LOOKASIDE_PORT}`, ...TLS, '--health-check', 'tcp']
      return [{ purpose: 'the balancer, twice or more', command: commandLine(words) }]
    }
    case 'xds':
      return xds(plan)
  }
}

function proxy({ service, answers: { protocol, trust }, layer, policy }: Plan): AdvisedCommand {
  const isTls = trust === 'untrusted'
  const scheme = layer === 'l4' ? 'tcp' : protocol
  const port = PORTS[protocol][isTls ? 'tls' : 'plain']
  const words = ['proxy', `${scheme}://0.0.0.0:${port}=${service}`]
  if (policy.policy !== 'weighted_round_robin') words.push('--policy', policy.policy)
  if (policy.hashOn !== undefined) words.push('--hash-on', policy.hashOn)
  if (policy.isSticky) words.push('--sticky')
  if (isTls) words.push(...TLS)
  return { purpose: 'the proxy, where clients reach it', command: commandLine(words) }
}

function xds({ service, answers: { protocol, mesh, trust } }: Plan): readonly AdvisedCommand[] {
  const tls = trust === 'untrusted' && mesh === 'none'
  const serve = ['serve', '--xds', `0.0.0.0:${XDS_PORT}`, ...(tls ? TLS : []), '--health-check', 'tcp']
  const server = ['--server', `balancer.example.org:${XDS_PORT}`, ...(tls ? ['--tls'] : [])]
  const isEnvoy = mesh === 'envoy' || protocol === 'http'
  const listen = `0.0.0.0:${PORTS[protocol].plain}=${service}`
  const bootstrap = ['serve', 'bootstrap', ...server, ...(isEnvoy ? ['--envoy', '--listen', listen] : [])]
  return [
    { purpose: 'the xDS server, twice or more', command: commandLine(serve) },
    {
      purpose: `once: ${isEnvoy ? 'Envoy’s configuration' : 'what clients have to know'}`,
      command: commandLine(bootstrap),
    },
  ]
}

function commandLine(words: readonly string[]): string {
  return ['fairlead', ...words.map(quote)].join(' ')
}
