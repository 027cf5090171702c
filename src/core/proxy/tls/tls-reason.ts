/** What OpenSSL and Node know about why TLS failed, in few words: "certificate has expired (CERT_HAS_EXPIRED)". */
export function tlsReason(error: Error): string {
  const { code = '', reason } = error as NodeJS.ErrnoException & { reason?: string }
  if (NOT_TLS.has(code)) return 'the peer does not speak TLS'
  const words = reason ?? error.message
  return code === '' || words.includes(code) ? words : `${words} (${code})`
}

const NOT_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_HTTP_REQUEST', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'])
