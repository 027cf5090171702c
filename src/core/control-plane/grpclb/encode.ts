import { createHash } from 'node:crypto'
import { durationOf } from '../../protos/duration.js'
import { grpclbProto, type Server } from '../../protos/grpclb.js'
import type { ServedEndpoint } from '../directory/contract.js'
import { lengthDelimited } from '../serving/length-delimited.js'
import { ipBytes } from './ip-bytes.js'
import { DROP, type Turn } from './server-list.js'

/** "Its length can be variable but must be less than 50 bytes." (load_balancer.proto) */
const MAX_TOKEN_BYTES = 49

/** Printable ASCII, no space: what goes into metadata as it is. */
const PRINTABLE = /^[!-~]+$/

/** What drops are reported under. */
const DROP_TOKEN = 'drop'

/** The field of `LoadBalanceResponse`. */
const SERVER_LIST = 2

/**
 * Of each endpoint, as it stands in a list of one. A list of many is those joined: "if multiple instances of an embedded message field
 * are parsed, their repeated fields are concatenated" (protobuf, "Encoding"). Endpoints that stay the same are serialised once.
 */
const entries = new WeakMap<ServedEndpoint, Buffer>()
let dropEntry: Buffer | undefined

/** The message that tells clients of a service whose turn it is. */
export function encodeServerList(service: string, turns: readonly Turn[]): Buffer {
  const parts = turns.map((turn) => (turn === DROP ? encodeDrop() : encodeEndpoint(service, turn)))
  return lengthDelimited(SERVER_LIST, parts)
}

/** The first message to a client: how often it is to report its load. 0: not at all. */
export function encodeInitialResponse(reportIntervalMs: number): Buffer {
  const interval = reportIntervalMs > 0 ? durationOf(reportIntervalMs) : null
  return grpclbProto().response.serialize({ initial_response: { client_stats_report_interval: interval } })
}

function encodeEndpoint(service: string, endpoint: ServedEndpoint): Buffer {
  let entry = entries.get(endpoint)
  if (entry === undefined) {
    const { ip, port, id } = endpoint
    entry = encodeEntry({ ip_address: ipBytes(ip), port, load_balance_token: tokenOf(service, id) })
    entries.set(endpoint, entry)
  }
  return entry
}

function encodeDrop(): Buffer {
  return (dropEntry ??= encodeEntry({ load_balance_token: DROP_TOKEN, drop: true }))
}

function encodeEntry(server: Server): Buffer {
  return grpclbProto().serverList.serialize({ servers: [server] })
}

/**
 * `service/id`, which tells an endpoint from all others to whoever reads it in calls; a hash of that where it is too long or not
 * printable.
 */
function tokenOf(service: string, id: string): string {
  const token = `${service}/${id}`
  if (token.length <= MAX_TOKEN_BYTES && PRINTABLE.test(token)) return token
  return createHash('sha256').update(token).digest('base64url')
}
