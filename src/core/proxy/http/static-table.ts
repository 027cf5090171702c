/** The static table of HPACK (RFC 7541 appendix A): `[name, value]` from index 1 on. */
export const STATIC_FIELDS: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
]

/** The lowest static index of a name. */
const INDEX_OF_NAME: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map(([name], position) => [name, position + 1] as const).reverse(),
)

/** The static index of a whole field. */
const INDEX_OF_FIELD: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map(([name, value], position) => [`${name}\0${value}`, position + 1] as const),
)

/** The lowest index of `name` in the static table, 0 where it has none. */
export function staticNameIndex(name: string): number {
  return INDEX_OF_NAME.get(name) ?? 0
}

/** The index of a field in the static table, 0 where it has none. Fields without a value there do not count. */
export function staticFieldIndex(name: string, value: string): number {
  return value === '' ? 0 : (INDEX_OF_FIELD.get(`${name}\0${value}`) ?? 0)
}
