/** Methods a relay treats apart; everything else is OTHER. */
export const Method = {
  OTHER: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  OPTIONS: 6,
  TRACE: 7,
  CONNECT: 8,
} as const
export type MethodCode = (typeof Method)[keyof typeof Method]

/** An empty field block, for where nothing is to be appended. */
export const NO_FIELDS: Buffer = Buffer.alloc(0)

/**
 * A header or trailer section on its way through, with the facts a relay goes by. Whichever protocol it came from, the
 * fields are one *field block*: HPACK (RFC 7541 §6) restricted to what needs no table of a connection, so that one block
 * fits every peer and every retry:
 *
 * - indexed fields of the static table, literals without indexing, and literals never indexed;
 * - names by static index, or as plain (never Huffman) lower-case octets; values plain or Huffman;
 * - pseudo-header fields first; a request has `:method`, `:scheme`, `:path` and, if it names one, `:authority` (never
 *   `host`); a response `:status`; trailers none;
 * - no connection-specific field (RFC 9113 §8.2.2), no message framing but a valid `content-length`; of `te` only `trailers`.
 *
 * Codecs reuse their Head objects: it and its bytes are valid until the call that hands it over returns.
 */
export class Head {
  /** The field block is `block[0, length)`. */
  block: Buffer = NO_FIELDS
  length = 0

  /** Of a request. */
  method: MethodCode = Method.OTHER
  /** Of a request: whether `content-type` begins with `application/grpc`. */
  isGrpc = false
  /** Of a request: `grpc-timeout` in milliseconds, else Infinity. */
  timeoutMs = Infinity
  /** Of a request: the client waits for 100 (Continue) before it sends the body. */
  expectsContinue = false

  /** Of a response: 100–599. */
  status = 0
  /** Of a response head or trailers: `grpc-status`, -1 where absent or not a number. */
  grpcStatus = -1

  /** Of a request or response head: `content-length`, -1 where absent. */
  contentLength = -1
  /** The protocol an HTTP/1.1 client asks to switch to, or that a 101 switches to; empty where none. Lower case. */
  upgrade = ''

  /** Says what `other` says, of the same block. */
  share(other: Head): void {
    this.block = other.block
    this.length = other.length
    this.method = other.method
    this.isGrpc = other.isGrpc
    this.timeoutMs = other.timeoutMs
    this.expectsContinue = other.expectsContinue
    this.status = other.status
    this.grpcStatus = other.grpcStatus
    this.contentLength = other.contentLength
    this.upgrade = other.upgrade
  }

  /** Forgets everything, for the next section. The block stays allocated. */
  clear(): void {
    this.length = 0
    this.method = Method.OTHER
    this.isGrpc = false
    this.timeoutMs = Infinity
    this.expectsContinue = false
    this.status = 0
    this.grpcStatus = -1
    this.contentLength = -1
    this.upgrade = ''
  }
}
