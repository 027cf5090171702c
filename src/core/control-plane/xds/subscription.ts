import type { Resource } from './resource.js'

/** What streams are told of, at one moment, by name. */
export interface ResourceSource {
  /** `pending`: not known yet, nothing may be concluded. `absent`: there is no such resource. */
  find(name: string): Resource | 'pending' | 'absent'
  /** The names of all resources, for who subscribes to everything; undefined: not known yet. */
  all(): readonly string[] | undefined
}

/** A client's word about the last response of a type. */
export type Verdict =
  | { readonly kind: 'ack' }
  /** The client goes on with what it had before. */
  | { readonly kind: 'nack'; readonly reason: string; readonly resources: readonly string[] }

/** What became of a request. */
export interface RequestEffect {
  /** Undefined where the request answers no response. */
  readonly verdict: Verdict | undefined
  /** Whether other names are subscribed to than before. */
  readonly changed: boolean
}

/**
 * What one client is subscribed to of one type on one stream, and what it was sent of it. Pure: requests in, responses out. There is at most
 * one response that the client has not answered, so that a slow client gets the latest when it is ready and nothing piles up.
 */
export interface Subscription<Request, Response> {
  /** Takes in a request of this type. Throws where it asks for more names than are allowed. */
  request(request: Request): RequestEffect
  /** What is to be sent now; undefined: nothing. What it returns counts as sent. */
  take(source: ResourceSource): Response | undefined
  /** Has those of these that are subscribed to sent again, though the client has them as they are. */
  renew(names: Iterable<string>): void
  /** The names of what the client did not have as it is, of the response taken last. */
  readonly news: readonly string[]
  /** Whether what would be sent now takes something away from the client. */
  removes(source: ResourceSource): boolean
  /** The names subscribed to; `all` beside them where the client wants everything. */
  readonly names: ReadonlySet<string>
  readonly all: boolean
  /** The last version that the client took over; empty before. */
  readonly accepted: string
  /** Why the client refuses what it was sent last; undefined: it does not. */
  readonly rejection: string | undefined
}

/** The name that stands for all resources of a type. */
export const EVERYTHING = '*'

/** The most names of one type that a stream may subscribe to. */
export const MAX_NAMES = 16_384
/** A name that is longer is that of nothing. */
const MAX_NAME_LENGTH = 512

/** Names as they are kept: no list is longer than is allowed. Throws RangeError. */
export function boundedNames(names: Iterable<string>): Set<string> {
  const kept = new Set<string>()
  for (const name of names) {
    if (name.length <= MAX_NAME_LENGTH) kept.add(name)
    if (kept.size > MAX_NAMES) throw new RangeError(`more than ${MAX_NAMES} names of one type are subscribed to`)
  }
  return kept
}

const REASON_BEGIN = 300
const REASON_END = 700

/** A client's reason as it is kept and shown: Envoy quotes the whole resource, and what is wrong with it stands before or after that. */
export function boundedReason(message: string): string {
  if (message.length <= REASON_BEGIN + REASON_END) return message
  return `${message.slice(0, REASON_BEGIN)} … ${message.slice(-REASON_END)}`
}
