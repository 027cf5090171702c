import { FairleadError } from '../errors.js'
import type { EndpointRole } from '../model/endpoint.js'
import { isServiceName } from '../model/service.js'

const DEFAULT_PREFIX = '/ns'

const MAX_PREFIX_BYTES = 512
const BALANCERS = '.balancers'
const CONFIG = '.config'
const GONE = '.gone'

/** What a key below the prefix stands for. `tail` is all that follows the service, `''` if nothing does. */
export interface ParsedKey {
  readonly kind: KeyKind
  readonly service: string
  readonly tail: string
}

/** `record` and `balancer` hold an endpoint each, `config` a service config, `gone` the tombstone of a removal on purpose. */
export type KeyKind = 'record' | 'balancer' | 'config' | 'gone'

/**
 * Where things lie in the registry. Records are at `<prefix>/<service>/<address>`; whatever other readers must not dial
 * lies under names that start with a dot, which no service name can.
 */
export class KeyLayout {
  readonly prefix: string

  /** Throws INVALID_ARGUMENT. A trailing `/` makes no difference; a leading one does, as it is part of the keys. */
  constructor(prefix: string = DEFAULT_PREFIX) {
    this.prefix = parsePrefix(prefix)
  }

  /** The prefix of every key, with its `/`. */
  get root(): string {
    return `${this.prefix}/`
  }

  /** The prefix of a service's server records. */
  records(service: string): string {
    return `${this.prefix}/${service}/`
  }

  /** The prefix of a service's balancer records. */
  balancers(service: string): string {
    return `${this.prefix}/${BALANCERS}/${service}/`
  }

  /** The prefix of a service's tombstones. */
  tombstones(service: string): string {
    return `${this.prefix}/${GONE}/${service}/`
  }

  record(service: string, address: string, role: EndpointRole): string {
    return (role === 'balancer' ? this.balancers(service) : this.records(service)) + address
  }

  /** A tombstone is written in the transaction that removes a record on purpose, so that readers can tell it from an expiry. */
  tombstone(service: string, address: string): string {
    return this.tombstones(service) + address
  }

  config(service: string): string {
    return `${this.prefix}/${CONFIG}/${service}`
  }

  /** Undefined for a key outside the layout. */
  parse(key: string): ParsedKey | undefined {
    if (!key.startsWith(this.root)) return undefined
    const [first, rest] = cut(key.slice(this.root.length))
    if (isServiceName(first)) return rest === undefined ? undefined : { kind: 'record', service: first, tail: rest }
    if (rest === undefined) return undefined
    const [service, tail] = cut(rest)
    if (!isServiceName(service)) return undefined
    if (first === CONFIG) return tail === undefined ? { kind: 'config', service, tail: '' } : undefined
    if (tail === undefined) return undefined
    if (first === BALANCERS) return { kind: 'balancer', service, tail }
    return first === GONE ? { kind: 'gone', service, tail } : undefined
  }
}

function cut(text: string): [string, string | undefined] {
  const slash = text.indexOf('/')
  return slash < 0 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)]
}

function parsePrefix(text: string): string {
  const prefix = text.replace(/\/+$/, '')
  const fault = /[\0-\x1f\x7f]/.test(prefix)
    ? 'it holds a control character'
    : Buffer.byteLength(prefix) > MAX_PREFIX_BYTES
      ? `it is longer than ${MAX_PREFIX_BYTES} bytes`
      : undefined
  if (fault === undefined) return prefix
  throw new FairleadError('INVALID_ARGUMENT', `bad prefix ${JSON.stringify(text.slice(0, 100))}: ${fault}`, {
    hint: `use a plain path such as ${DEFAULT_PREFIX}`,
  })
}
