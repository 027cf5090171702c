import type { Answers } from './answers.js'

/** Who chooses the server: the client itself, a proxy in between, a lookaside balancer (grpclb), or clients as xDS tells them. */
export type Way = 'client' | 'proxy' | 'lookaside' | 'xds'

export interface WayAdvice {
  readonly way: Way
  readonly why: string
}

/** How to balance, and why. */
export function wayOf(answers: Answers): WayAdvice {
  const { protocol, mesh, trust } = answers
  if (protocol !== 'tcp' && mesh === 'envoy') {
    return {
      way: 'xds',
      why: 'Envoy balances already: over xDS it learns endpoints, weights, health and policy from etcd.',
    }
  }
  if (protocol !== 'tcp' && mesh === 'istio') {
    return {
      way: 'xds',
      why: 'A mesh balances already: over xDS its clients learn endpoints, weights, health and policy from etcd.',
    }
  }
  if (protocol !== 'grpc') {
    return { way: 'proxy', why: 'Any client can speak to a proxy, and needs to know nothing of servers.' }
  }
  return trust === 'trusted' ? wayOfTrusted(answers) : wayOfUntrusted(answers)
}

function wayOfTrusted({ clients, traffic, latency, language }: Answers): WayAdvice {
  const isDirect = traffic === 'high' || latency === 'low'
  if (!isDirect && (clients === 'many' || language === 'other')) {
    const why =
      clients === 'many'
        ? 'Many clients with little traffic would each hold a connection to every server and a watch on etcd; a proxy holds them once.'
        : 'A proxy serves clients of every language, and there is not so much traffic that the hop matters.'
    return { way: 'proxy', why }
  }
  const reason =
    traffic === 'high'
      ? 'There is much traffic: without a proxy in between it takes one hop less, and nothing in the middle has to grow with it.'
      : 'The clients can do it themselves: one hop less, and no process in between to run.'
  if (language === 'other') {
    return { way: 'xds', why: `${reason} There is no etcd resolver in their language; what they speak is xDS.` }
  }
  return { way: 'client', why: `${reason} They are trusted to read etcd and to go by what it says.` }
}

function wayOfUntrusted({ traffic, latency, language, affinity }: Answers): WayAdvice {
  if (traffic === 'low' && latency === 'normal') {
    return {
      way: 'proxy',
      why: 'Clients are beyond a trust boundary: a proxy ends their TLS there and shows them nothing of what is behind it.',
    }
  }
  const reason =
    'Clients that are not trusted connect to the servers themselves, without a hop in between, but a balancer of yours tells them which.'
  if (language === 'node') return { way: 'xds', why: `${reason} What grpc-js speaks without reading etcd is xDS.` }
  if (affinity !== 'none') {
    return { way: 'xds', why: `${reason} Lists of grpclb are gone through in turn; affinity takes xDS.` }
  }
  return { way: 'lookaside', why: reason }
}
