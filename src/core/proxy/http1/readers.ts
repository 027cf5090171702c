import type { HttpLimits } from '../http/environment.js'
import { RequestReader } from './request-reader.js'
import { ResponseReader } from './response-reader.js'
import { TrailerReader } from './trailer-reader.js'

/** What clients of one kind are read with. */
export interface ClientKind {
  /** Of their requests' `:scheme`. */
  readonly scheme: 'http' | 'https'
  /** Keeps what they say in `forwarded`, `x-forwarded-*` and `x-real-ip`. */
  readonly trusted: boolean
}

/**
 * Readers hold nothing between two calls but what they read last, which is used up before the next: all connections under the
 * same limits share them.
 */
export class Readers {
  readonly response: ResponseReader
  readonly trailers: TrailerReader
  readonly #limits: HttpLimits
  readonly #requests = new Map<string, RequestReader>()

  constructor(limits: HttpLimits) {
    this.#limits = limits
    this.response = new ResponseReader(limits.maxHeadFields, limits.maxHeadBytes)
    this.trailers = new TrailerReader(limits.maxHeadFields, limits.maxHeadBytes)
  }

  request({ scheme, trusted }: ClientKind): RequestReader {
    const key = `${scheme} ${trusted}`
    let reader = this.#requests.get(key)
    if (!reader) {
      const { maxHeadFields: maxFields, maxHeadBytes: maxBytes } = this.#limits
      reader = new RequestReader({ scheme, trusted, maxFields, maxBytes })
      this.#requests.set(key, reader)
    }
    return reader
  }
}

const readers = new WeakMap<HttpLimits, Readers>()

export function readersFor(limits: HttpLimits): Readers {
  let found = readers.get(limits)
  if (!found) readers.set(limits, (found = new Readers(limits)))
  return found
}
