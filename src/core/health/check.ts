import { FairleadError } from '../errors.js'

/** How to find out whether an endpoint works. */
export type Check =
  /** A connection can be made; where TLS is spoken, a TLS session too. */
  | { readonly kind: 'tcp' }
  /** GET `path` over HTTP/1.1 answers with one of these statuses. */
  | { readonly kind: 'http'; readonly path: string; readonly expected: readonly StatusRange[] }
  /** `grpc.health.v1.Health/Check` answers SERVING for `service` (empty: the server as a whole). */
  | { readonly kind: 'grpc'; readonly service: string }

/** HTTP status codes from the first to the last, both included. */
export type StatusRange = readonly [number, number]

const SUCCESS_OR_REDIRECT: readonly StatusRange[] = [[200, 399]]

/** `http:/PATH` or `http:STATUSES:/PATH`, where STATUSES are codes and ranges of codes: `200-299,404`. */
const HTTP = /^http:(?:((?:[1-5]\d\d(?:-[1-5]\d\d)?,?)+):)?(\/[\x21-\x7e]{0,2048})$/

/** Reads `tcp`, `http:/PATH`, `http:STATUSES:/PATH` or `grpc[:SERVICE]`. Throws INVALID_ARGUMENT. */
export function parseCheck(text: string): Check {
  if (text === 'tcp') return { kind: 'tcp' }
  if (text === 'grpc') return { kind: 'grpc', service: '' }
  if (/^grpc:[\x21-\x7e]{1,256}$/.test(text)) return { kind: 'grpc', service: text.slice('grpc:'.length) }
  const [, statuses, path] = HTTP.exec(text) ?? []
  const expected = statuses === undefined ? SUCCESS_OR_REDIRECT : parseStatuses(statuses)
  if (path !== undefined && expected) return { kind: 'http', path, expected }
  throw new FairleadError('INVALID_ARGUMENT', `bad check ${JSON.stringify(text)}`, {
    hint: 'use tcp, http:/PATH, http:200-299:/PATH, grpc or grpc:SERVICE',
  })
}

function parseStatuses(text: string): readonly StatusRange[] | undefined {
  const ranges = text.split(',').map((part): StatusRange => {
    const [from, to = from] = part.split('-').map(Number)
    return [from!, to!]
  })
  return ranges.every(([from, to]) => from > 0 && from <= to) ? ranges : undefined
}
