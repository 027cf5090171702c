import type { PolicyName } from '../balancer/policies/index.js'
import type { Layer } from './layer.js'
import type { Answers } from './answers.js'
import type { Way } from './way.js'

export interface PolicyAdvice {
  readonly policy: PolicyName
  /** For a service config. */
  readonly config: Readonly<Record<string, unknown>>
  readonly why: string
  /** What a proxy hashes. Absent: nothing. */
  readonly hashOn?: string
  /** Whether a proxy gives out cookies. */
  readonly isSticky?: boolean
  /** Whether weights come from the load that servers report. */
  readonly isByLoad?: boolean
  /** What was asked for and cannot be had. */
  readonly note?: string
}

/** The header in the commands that are printed. */
const KEY_HEADER = 'x-user'
/** Any field of it asks for weights by load (gRFC A58); this is its default. */
const BY_LOAD = { blackoutPeriod: '10s' }

/** How to choose among servers, and why. `layer` is that of a proxy. */
export function policyOf(answers: Answers, way: Way, layer: Layer | undefined): PolicyAdvice {
  return byAffinity(answers, way, layer) ?? byCost(answers, way, layer)
}

function byAffinity({ protocol, affinity }: Answers, way: Way, layer: Layer | undefined): PolicyAdvice | undefined {
  if (affinity === 'none') return undefined
  const ring: PolicyAdvice = {
    policy: 'ring_hash',
    config: { requestHashHeader: KEY_HEADER },
    hashOn: `header:${KEY_HEADER}`,
    why: 'Requests of one key go together, and few keys move when servers come and go.',
  }
  if (way !== 'proxy') {
    const note = `No proxy sees ${affinity === 'cookie' ? 'cookies' : 'addresses'} here: put what ties requests together into a header.`
    return affinity === 'header' ? ring : { ...ring, note }
  }
  if (affinity === 'address' || layer === 'l4') {
    const maglev: PolicyAdvice = {
      policy: 'maglev',
      config: {},
      hashOn: 'source_ip',
      why: 'Connections from one address go together, the addresses are spread evenly, and few move when servers come and go.',
    }
    const note = `There is no ${affinity} to go by outside of HTTP: the client’s address has to do.`
    return affinity === 'address' ? maglev : { ...maglev, note }
  }
  if (affinity === 'header') return ring
  if (protocol === 'grpc') {
    return { ...ring, note: 'gRPC clients keep no cookies: put what ties calls together into a header.' }
  }
  return {
    policy: 'weighted_round_robin',
    config: {},
    isSticky: true,
    why: 'Clients are spread in turn; a cookie brings each back to its server for as long as that takes traffic.',
  }
}

function byCost({ requests, servers, latency }: Answers, way: Way, layer: Layer | undefined): PolicyAdvice {
  const [isUneven, isMixed] = [requests === 'uneven', servers === 'mixed']
  if (!isUneven && !isMixed) {
    return {
      policy: 'weighted_round_robin',
      config: {},
      why: 'Requests and servers are alike: in turn is as good as anything, and costs least.',
    }
  }
  if (layer === 'l4' || (way === 'proxy' && isUneven && isMixed)) {
    return {
      policy: 'least_connections',
      config: {},
      why: 'Whoever has least to do for its weight is next: what costs more holds its server longer.',
    }
  }
  const byLoad: PolicyAdvice = {
    policy: 'weighted_round_robin',
    config: BY_LOAD,
    isByLoad: true,
    why: 'Servers report how busy they are, and get requests so that all are equally busy, whatever their size and the requests’ cost.',
  }
  if (isMixed || way === 'lookaside') return byLoad
  if (latency === 'low' && way !== 'xds') {
    return {
      policy: 'peak_ewma',
      config: {},
      why: 'Of two servers the one that has been answering sooner and has less to do: slow ones are found out by their answers.',
    }
  }
  return {
    policy: 'least_request',
    config: {},
    why: 'Of two servers the less busy one: what costs more holds its server longer, and many clients do not go in step.',
  }
}
