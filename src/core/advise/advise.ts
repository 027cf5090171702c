import { parseServiceName } from '../model/service.js'
import { type AdvisedCommand, commandsOf, LOOKASIDE_PORT, type Plan, PORTS } from './commands.js'
import { type Layer, layerOf } from './layer.js'
import { policyOf } from './policy.js'
import type { Answers, Said } from './answers.js'
import { completed } from './questions.js'
import { type Way, wayOf } from './way.js'

/** A recommendation. Texts are sentences for people. */
export interface Advice {
  readonly service: string
  readonly answers: Answers
  readonly way: Way
  /** Of a proxy. */
  readonly layer: Layer | undefined
  readonly policy: string
  readonly summary: string
  readonly reasons: readonly string[]
  readonly commands: readonly AdvisedCommand[]
  /** What clients have to do: lines of text or code. */
  readonly clients: readonly string[]
  /** What to know before. */
  readonly notes: readonly string[]
}

const SERVICES = { grpc: 'greeter', http: 'web', tcp: 'db' }

const SUMMARIES: Readonly<Record<Exclude<Way, 'proxy'>, string>> = {
  client: 'Balance in the clients: they find the servers in etcd and choose for each call.',
  lookaside: 'Run a lookaside balancer: gRPC clients ask it (grpclb) which servers to use, and connect to those.',
  xds: 'Serve xDS: what balances already gets its endpoints from etcd.',
}

/**
 * Recommends how to balance. What is not said takes its default; what has no default is taken for the first choice.
 * Throws INVALID_ARGUMENT for a bad service name.
 */
export function advise(said: Said, service?: string): Advice {
  const answers = completed(said)
  const name = parseServiceName(service ?? SERVICES[answers.protocol])
  const { way, why } = wayOf(answers)
  const layer = way === 'proxy' ? layerOf(answers) : undefined
  const policy = policyOf(answers, way, layer?.layer)
  const plan: Plan = { service: name, answers, way, layer: layer?.layer, policy }
  return {
    service: name,
    answers,
    way,
    layer: layer?.layer,
    policy: policy.policy,
    summary: way === 'proxy' ? proxySummary(plan) : SUMMARIES[way],
    reasons: [why, ...(layer ? [layer.why] : []), `${policy.policy}: ${policy.why}`],
    commands: commandsOf(plan),
    clients: clientsOf(plan),
    notes: [...(policy.note === undefined ? [] : [policy.note]), ...notesOf(plan)],
  }
}

function proxySummary({ answers, layer }: Plan): string {
  const what = layer === 'l4' ? 'connections' : answers.protocol === 'grpc' ? 'calls' : 'requests'
  const tls = answers.trust === 'untrusted' ? ' that ends TLS' : ''
  return `Run a proxy${tls}: it balances ${what} (${layer!.toUpperCase()}).`
}

function clientsOf({ service, answers, way }: Plan): readonly string[] {
  const { language, mesh, protocol, trust } = answers
  switch (way) {
    case 'client': {
      const node = `Node.js: import { registerFairlead } from 'fairlead/grpc', then new Client('ns:///${service}', …)`
      const go = `Go: etcd's own resolver (go.etcd.io/etcd/client/v3/naming/resolver), then grpc.NewClient("etcd:////ns/${service}", …)`
      return language === 'node' ? [node] : language === 'go' ? [go] : [node, go]
    }
    case 'lookaside':
      return lookasideClients(service, language)
    case 'xds':
      if (mesh === 'envoy' || protocol === 'http') return ['Clients speak to Envoy, at the address that it listens on.']
      return [
        `GRPC_XDS_BOOTSTRAP names the file with what the last command prints; then dial xds:///${service}.`,
        ...(language === 'node' ? ['Node.js: register() of @grpc/grpc-js-xds makes xds: known.'] : []),
      ]
    case 'proxy':
      return [`Clients dial the proxy${trust === 'untrusted' ? ', over TLS' : ''}.`]
  }
}

function lookasideClients(service: string, language: Answers['language']): readonly string[] {
  const host = `${service}.example.org`
  const config = JSON.stringify({ loadBalancingConfig: [{ grpclb: { serviceName: service } }] })
  const go = 'Go: import google.golang.org/grpc/balancer/grpclb.'
  const others =
    'Java: add io.grpc:grpc-grpclb. C++, Python: set the channel’s option grpc.dns_enable_srv_queries to 1.'
  return [
    `DNS names each balancer in a record: _grpclb._tcp.${host}. SRV 0 0 ${LOOKASIDE_PORT} lb1.example.org.`,
    `Clients dial dns:///${host}:${PORTS.grpc.server}, their default service config being ${config}.`,
    ...(language === 'go' ? [go] : language === 'other' ? [others] : [go, others]),
  ]
}

function notesOf({ answers, way, layer }: Plan): readonly string[] {
  const { language, mesh, protocol, trust } = answers
  const notes: string[] = []
  if (way === 'client' && language !== 'node') {
    notes.push(
      'Go’s resolver reads addresses only: weights, drains and the policy of the registry are for Node.js clients.',
      'Go takes etcd’s client 3.5.27, 3.6.8 or newer: older ones hand metadata on to gRPC, which panics when it compares it.',
    )
  }
  if (way === 'lookaside' || (way === 'xds' && trust === 'untrusted' && mesh === 'none')) {
    notes.push('Clients reach the servers directly: servers have to end TLS and authenticate them.')
  }
  if (way === 'lookaside') {
    notes.push(
      'Certificates: a balancer’s is for the host in its SRV record, a server’s for the name that clients dial.',
    )
  }
  if (way === 'xds' && mesh === 'istio') {
    notes.push(
      'Istio’s sidecars listen to istiod alone. Who asks fairlead are gRPC clients without a sidecar, and Envoys of your own, a gateway for example.',
    )
  }
  if (way === 'proxy' && layer === 'l4' && protocol === 'grpc') {
    notes.push('All calls of a connection go to one server: that evens out over many connections only.')
  }
  return notes
}
