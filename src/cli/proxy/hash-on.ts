import { FairleadError } from '../../core/errors.js'
import { isTokenName } from '../../core/model/token.js'
import type { HashOn } from '../../core/proxy/options.js'

/** Reads `source_ip`, `path`, `header:NAME`, `cookie:NAME` or `query:NAME`. Throws INVALID_ARGUMENT. */
export function parseHashOn(text: string): HashOn {
  if (text === 'source_ip' || text === 'path') return { kind: text }
  const [, kind, name = ''] = /^(header|cookie|query):(.+)$/s.exec(text) ?? []
  if (kind === 'header' && isTokenName(name)) return { kind, name: name.toLowerCase() }
  if (kind === 'cookie' && isTokenName(name)) return { kind, name }
  if (kind === 'query' && /^[\x21-\x7e]{1,256}$/.test(name) && !/[&=#]/.test(name)) return { kind, name }
  throw new FairleadError('INVALID_ARGUMENT', `bad --hash-on ${JSON.stringify(text)}`, {
    hint: 'use source_ip, path, header:NAME, cookie:NAME or query:NAME',
  })
}

/** Checks the name of a cookie. Throws INVALID_ARGUMENT. */
export function parseCookieName(text: string): string {
  if (isTokenName(text)) return text
  throw new FairleadError('INVALID_ARGUMENT', `bad --sticky ${JSON.stringify(text)}: not the name of a cookie`, {
    hint: 'use letters, digits, - and _',
  })
}
