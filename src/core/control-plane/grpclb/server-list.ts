import { createHash } from 'node:crypto'
import type { Server } from '../../protos/grpclb.js'
import type { ServedEndpoint, ServiceView } from '../directory/contract.js'
import { candidatesFor } from './candidates.js'
import { dropPercentOf } from './drop-config.js'
import { withDrops } from './drops.js'
import { interleave } from './interleave.js'
import { ipBytes } from './ip-bytes.js'
import { repetitions } from './repetitions.js'

/** A list has at most so many entries, or so many for each endpoint where that is more. */
const MAX_ENTRIES = 256
const MAX_ENTRIES_PER_ENDPOINT = 4
/** And no more than these, unless there are more endpoints: clients take messages of 4 MiB. */
const MAX_REPEATED_ENTRIES = 16_384

/** "Its length can be variable but must be less than 50 bytes." (load_balancer.proto) */
const MAX_TOKEN_BYTES = 49

/** Printable ASCII, no space: what goes into metadata as it is. */
const PRINTABLE = /^[!-~]+$/

/** Calls that a client drops are reported under its token. */
const DROP: Server = { load_balance_token: 'drop', drop: true }

/**
 * What clients of a service in a zone are told: who is to take their calls, in the order of turns. Endpoints stand in the order of
 * their addresses; by policies that go by weight each is repeated by its weight, evenly spread. Weights are the registry's, or
 * those by reported load where the service's config asks for that: who is loaded least then comes up most. With `pick_first` the
 * order is the list's, and the client's child policy decides to use it. The same view gives the same list.
 */
export function serverList(view: ServiceView, zone: string | undefined): readonly Server[] {
  const candidates = candidatesFor(view, zone)
  const servers = candidates.map((endpoint) => serverOf(view.service, endpoint))
  const weighted = view.choice === undefined || view.choice.policy.share === 'weight'
  const weights = candidates.map(({ weight }) => (weighted ? weight : 1))
  const list = interleave(servers, repetitions(weights, entryLimit(candidates.length)))
  return withDrops(list, dropPercentOf(view.serviceConfig), DROP, MAX_REPEATED_ENTRIES)
}

function entryLimit(endpoints: number): number {
  const repeated = Math.min(MAX_REPEATED_ENTRIES, Math.max(MAX_ENTRIES, MAX_ENTRIES_PER_ENDPOINT * endpoints))
  return Math.max(endpoints, repeated)
}

function serverOf(service: string, { ip, port, id }: ServedEndpoint): Server {
  return { ip_address: ipBytes(ip), port, load_balance_token: tokenOf(service, id) }
}

/** `service/id`, which tells an endpoint from all others to whoever reads it in calls; a hash of that where it is too long or not printable. */
function tokenOf(service: string, id: string): string {
  const token = `${service}/${id}`
  if (token.length <= MAX_TOKEN_BYTES && PRINTABLE.test(token)) return token
  return createHash('sha256').update(token).digest('base64url')
}
