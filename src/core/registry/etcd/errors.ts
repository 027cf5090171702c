import { FairleadError, type ErrorCode } from '../../errors.js'

/** gRPC status codes by number, as far as they are told apart here. */
export const Status = {
  CANCELLED: 1,
  UNKNOWN: 2,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const

export interface RpcStatus {
  readonly code: number
  readonly details: string
}

/** No answer came within the time allowed. What was asked for may have happened. */
export class NoAnswer extends Error {
  constructor(ms: number) {
    super(`no answer within ${formatMs(ms)}`)
  }
}

/** The registry turned a watch down, or ended it, and said why. */
export class WatchRefused extends Error {
  readonly code: number
  readonly details: string

  constructor({ code, details }: RpcStatus) {
    super(`the watch was refused: ${details}`)
    this.code = code
    this.details = details
  }
}

export function formatMs(ms: number): string {
  return ms < 950 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`
}

/** The gRPC status an error stands for; undefined where it is not of gRPC's making. */
export function statusOf(error: unknown): RpcStatus | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined
  const details = 'details' in error && typeof error.details === 'string' ? error.details : error.message
  return { code: error.code, details }
}

const REASON_CODES: Readonly<Record<string, number>> = {
  PermissionDenied: Status.PERMISSION_DENIED,
  Unauthenticated: Status.UNAUTHENTICATED,
  Unavailable: Status.UNAVAILABLE,
}

/** A watch's `cancel_reason`, which is often a Go error in text form: `rpc error: code = X desc = Y`. */
export function statusOfReason(reason: string): RpcStatus {
  const match = /^rpc error: code = (\w+) desc = (.*)$/s.exec(reason)
  if (!match) return { code: Status.UNKNOWN, details: reason || 'no reason given' }
  return { code: REASON_CODES[match[1]!] ?? Status.UNKNOWN, details: match[2]! }
}

const STALE_TOKEN = /etcdserver: (invalid auth token|revision of auth store is old)|auth store revision is old/

/** Whether a new login may help: the token expired, or users and roles changed since it was made. */
export function isStaleToken(status: RpcStatus | undefined): boolean {
  return status !== undefined && STALE_TOKEN.test(status.details)
}

/** raft's own words, which etcd passes on as UNKNOWN: what the member was asked to propose is in no log. */
const PROPOSAL_DROPPED = /^raft proposal dropped/

/**
 * Whether the request surely never reached the registry's log: there was no connection to send it over, or the member
 * turned it away at the door, as it does without a leader and while the leadership moves.
 */
export function isUnsent(status: RpcStatus | undefined): boolean {
  if (status?.code === Status.UNKNOWN) return PROPOSAL_DROPPED.test(status.details)
  return (
    status?.code === Status.UNAVAILABLE &&
    /^No connection established|^Name resolution failed|^Channel closed|^etcdserver: no leader/.test(status.details)
  )
}

/** Whether another endpoint, or the same one a moment later, may well answer. */
export function isTransient(error: unknown): boolean {
  if (error instanceof NoAnswer) return true
  const status = statusOf(error)
  return status !== undefined && ruleOf(status).code === 'UNAVAILABLE'
}

/** Whether an answer was larger than a gRPC client takes. */
export function isMessageTooLarge(error: unknown): boolean {
  const status = statusOf(error instanceof FairleadError ? error.cause : error)
  return status?.code === Status.RESOURCE_EXHAUSTED && status.details.includes('larger than max')
}

interface Rule {
  readonly code: ErrorCode
  readonly message: (details: string) => string
  readonly hint?: string
}

const asIs = (details: string) => `the registry refused: ${details}`
const away = (details: string) => `the registry is not available: ${details}`
const LOGIN_HINT = 'check --user and --password-file'

const RULES_BY_DETAILS: readonly (readonly [RegExp, Rule])[] = [
  [
    STALE_TOKEN,
    { code: 'UNAUTHENTICATED', message: () => 'the registry does not accept the login any more', hint: LOGIN_HINT },
  ],
  [
    /user name is empty/,
    {
      code: 'UNAUTHENTICATED',
      message: () => 'the registry asks for a login',
      hint: 'give --user and --password-file',
    },
  ],
  [
    /authentication failed|user name not found/,
    { code: 'UNAUTHENTICATED', message: () => 'the registry refused the user or the password', hint: LOGIN_HINT },
  ],
  [
    /etcdserver: permission denied/,
    {
      code: 'PERMISSION_DENIED',
      message: () => 'the registry does not permit this to the user',
      hint: 'grant the user a role with access to the prefix: `etcdctl role grant-permission`',
    },
  ],
  [/required revision has been compacted/, { code: 'COMPACTED', message: () => 'the revision has been compacted' }],
  [/requested lease not found/, { code: 'NOT_FOUND', message: () => 'the lease does not exist any more' }],
  [/lease already exists/, { code: 'CONFLICT', message: () => 'a lease of this id exists already' }],
  [
    /database space exceeded/,
    {
      code: 'REFUSED',
      message: () => 'the registry is out of space and takes no writes',
      hint: 'compact and defragment it, then `etcdctl alarm disarm`',
    },
  ],
  [/etcdserver: too many requests|context (deadline exceeded|canceled)/, { code: 'UNAVAILABLE', message: away }],
  [PROPOSAL_DROPPED, { code: 'UNAVAILABLE', message: away }],
]

const RULES_BY_CODE = new Map<number, Rule>([
  [Status.CANCELLED, { code: 'UNAVAILABLE', message: away }],
  [Status.DEADLINE_EXCEEDED, { code: 'UNAVAILABLE', message: away }],
  [Status.INTERNAL, { code: 'UNAVAILABLE', message: away }],
  [Status.UNAVAILABLE, { code: 'UNAVAILABLE', message: away }],
  [Status.PERMISSION_DENIED, { code: 'PERMISSION_DENIED', message: asIs }],
  [Status.UNAUTHENTICATED, { code: 'UNAUTHENTICATED', message: asIs, hint: LOGIN_HINT }],
  [Status.UNIMPLEMENTED, { code: 'REFUSED', message: asIs, hint: 'check that the endpoint is an etcd v3 one' }],
])

function ruleOf({ code, details }: RpcStatus): Rule {
  const byDetails = RULES_BY_DETAILS.find(([pattern]) => pattern.test(details))?.[1]
  return byDetails ?? RULES_BY_CODE.get(code) ?? { code: 'REFUSED', message: asIs }
}

/** A status as the error callers see. */
function fromStatus(status: RpcStatus, cause?: unknown): FairleadError {
  const rule = ruleOf(status)
  return new FairleadError(rule.code, rule.message(status.details), {
    ...(rule.hint === undefined ? {} : { hint: rule.hint }),
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Any error of a call or a stream as the error callers see. */
export function fromError(error: unknown): FairleadError {
  if (error instanceof FairleadError) return error
  const status = statusOf(error)
  if (status) return fromStatus(status, error)
  if (error instanceof NoAnswer)
    return new FairleadError('UNAVAILABLE', `the registry gave ${error.message}`, { cause: error })
  return new FairleadError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
}

/** No endpoint could serve a call: each one with its reason. */
export function noEndpoint(failures: ReadonlyMap<string, string>): FairleadError {
  const list = [...failures].map(([endpoint, reason]) => `${endpoint} (${reason})`).join(', ')
  return new FairleadError('UNAVAILABLE', `the registry cannot be reached: ${list}`, { hint: hintFor(list) })
}

function hintFor(reasons: string): string {
  if (/certificate|ssl|tls|altname/i.test(reasons)) {
    return 'the TLS handshake failed: check --cacert, --cert and --key, and the name in the server certificate'
  }
  if (reasons.includes(HUNG_UP))
    return 'what listens there is no plaintext etcd: for TLS write https://, or give --cacert'
  return 'is etcd running? start one with `fairlead registry`, or set --endpoints / FAIRLEAD_ENDPOINTS'
}

const HUNG_UP = 'it hung up'

/** The short text of what went wrong with one endpoint. */
export function reasonOf(error: unknown): string {
  const text = statusOf(error)?.details ?? (error instanceof Error ? error.message : String(error))
  const reason = text
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\. Resolution note: .*$/s, '')
    .replace(/\s*\(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, '')
    .replace(/^[0-9A-F]+:error:[0-9A-F]+:SSL routines:[^:]*:([^:]+):.*$/s, 'TLS: $1')
  if (reason === 'Failed to connect') return HUNG_UP
  return reason === 'null' ? 'no connection' : reason
}
