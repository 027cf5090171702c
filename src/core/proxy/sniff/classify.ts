/** What a client speaks, as its first bytes show. */
export type Spoken = 'h2' | 'h1' | 'tls' | 'tcp'

/** How many bytes are looked at; a request line that is longer is judged by its beginning. */
export const MAX_SNIFFED = 8192

/** "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" (RFC 9113 §3.4) */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
/** From here on the preface is told from the request line of any other protocol. */
const TELLING_PREFACE = 'PRI * HTTP/2'.length

const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const MAX_TLS_RECORD = 2 ** 14

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const SLASH = 0x2f
const MAX_METHOD = 32
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH'])

/**
 * Tells by the first bytes of a connection, `bytes[0, length)`, what the client speaks; undefined where more bytes could
 * change the answer. Whatever the bytes are and however they are cut, the answer for a longer piece never contradicts
 * the one for a shorter, and at MAX_SNIFFED there is one.
 */
export function classify(bytes: Buffer, length: number): Spoken | undefined {
  if (length === 0) return undefined
  if (bytes[0] === HANDSHAKE_RECORD) return classifyTls(bytes, length)
  if (isPreface(bytes, length)) return length >= PREFACE.length ? 'h2' : undefined
  return classifyRequestLine(bytes, length)
}

/**
 * The best answer to be had where no more bytes are waited for. HTTP is given the benefit of the doubt if it has begun
 * unmistakably: a request line may be long, and a lost segment of it takes longer than anybody wants to wait.
 */
export function guess(bytes: Buffer, length: number): Spoken {
  const spoken = classify(bytes, length)
  if (spoken) return spoken
  if (isPreface(bytes, length) && length >= TELLING_PREFACE) return 'h2'
  return beginsLikeHttp(bytes, length) ? 'h1' : 'tcp'
}

/** A TLSPlaintext with a ClientHello: `type`, `legacy_record_version`, `length`, `msg_type` (RFC 8446 §5.1, §4). */
function classifyTls(bytes: Buffer, length: number): Spoken | undefined {
  if (length > 1 && bytes[1] !== 3) return 'tcp'
  if (length > 2 && bytes[2]! > 4) return 'tcp'
  if (length < 5) return undefined
  const recordLength = bytes.readUInt16BE(3)
  if (recordLength === 0 || recordLength > MAX_TLS_RECORD) return 'tcp'
  if (length < 6) return undefined
  return bytes[5] === CLIENT_HELLO ? 'tls' : 'tcp'
}

function isPreface(bytes: Buffer, length: number): boolean {
  const known = Math.min(length, PREFACE.length)
  return bytes.compare(PREFACE, 0, known, 0, known) === 0
}

/** "request-line = method SP request-target SP HTTP-version" (RFC 9112 §3); the version makes the difference. */
function classifyRequestLine(bytes: Buffer, length: number): Spoken | undefined {
  const method = methodLength(bytes, length)
  if (method === length) return method <= MAX_METHOD ? undefined : 'tcp'
  if (method === 0 || method > MAX_METHOD || bytes[method] !== SPACE) return 'tcp'
  if (length === method + 1) return undefined
  if (bytes[method + 1]! <= SPACE) return 'tcp'
  const end = bytes.subarray(0, Math.min(length, MAX_SNIFFED)).indexOf(LF, method + 1)
  if (end >= 0) return endsInVersion(bytes, end) ? 'h1' : 'tcp'
  if (length < MAX_SNIFFED) return undefined
  return beginsLikeHttp(bytes, length) ? 'h1' : 'tcp'
}

/** How many bytes at the beginning are upper-case letters, digits or `-`, as those of every registered method are. */
function methodLength(bytes: Buffer, length: number): number {
  const limit = Math.min(length, MAX_METHOD + 1)
  let i = 0
  while (i < limit && isMethodByte(bytes[i]!)) i++
  return i
}

function isMethodByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || byte === 0x2d || (byte >= 0x30 && byte <= 0x39)
}

/** Whether the line before `end` has ` HTTP/`, a digit, a point and a digit as its last bytes. */
function endsInVersion(bytes: Buffer, end: number): boolean {
  const stop = bytes[end - 1] === CR ? end - 1 : end
  return stop >= 9 && / HTTP\/\d\.\d$/.test(bytes.toString('latin1', stop - 9, stop))
}

function beginsLikeHttp(bytes: Buffer, length: number): boolean {
  const method = methodLength(bytes, length)
  if (method + 1 >= length || bytes[method] !== SPACE || bytes[method + 1] !== SLASH) return false
  return METHODS.has(bytes.toString('latin1', 0, method))
}
