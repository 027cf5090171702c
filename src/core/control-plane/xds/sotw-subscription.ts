import { combinedVersion, type Resource } from './resource.js'
import {
  boundedNames,
  boundedReason,
  EVERYTHING,
  type RequestEffect,
  type ResourceSource,
  type Subscription,
  type Verdict,
} from './subscription.js'

/** The part of a `DiscoveryRequest` that concerns one type. */
export interface SotwRequest {
  readonly resource_names: readonly string[]
  readonly response_nonce: string
  readonly error_detail: { readonly message: string } | null
}

export interface SotwResponse {
  readonly version: string
  readonly nonce: string
  readonly resources: readonly Resource[]
}

/** In place of a version: the client has one or another. */
const UNKNOWN = ''

/** A subscription in the "state of the world" form of the protocol. */
export class SotwSubscription implements Subscription<SotwRequest, SotwResponse> {
  /** Whether responses hold everything, so that what is missing is deleted. */
  readonly #complete: boolean
  readonly #nextNonce: () => string
  #names: ReadonlySet<string> = new Set()
  #all = false
  /** Whether the client has ever named anything: from then on, an empty list means nothing. */
  #hasNamed = false
  /** The version of each resource that the client has of this stream. */
  readonly #sent = new Map<string, string>()
  #last: SotwResponse | undefined
  #news: readonly string[] = []
  #awaited = false
  #accepted = ''
  #rejection: string | undefined

  constructor(complete: boolean, nextNonce: () => string) {
    this.#complete = complete
    this.#nextNonce = nextNonce
  }

  get names(): ReadonlySet<string> {
    return this.#names
  }

  get all(): boolean {
    return this.#all
  }

  get accepted(): string {
    return this.#accepted
  }

  get rejection(): string | undefined {
    return this.#rejection
  }

  get news(): readonly string[] {
    return this.#news
  }

  request({ resource_names, response_nonce, error_detail }: SotwRequest): RequestEffect {
    // "A nonce becomes stale following a newer nonce being presented": the client has yet to answer, and names everything again then.
    // A request without one answers nothing, and is the latest word on what is subscribed to.
    const isStale = this.#last !== undefined && response_nonce !== '' && response_nonce !== this.#last.nonce
    if (isStale) return { verdict: undefined, changed: false }
    const verdict = response_nonce === '' ? undefined : this.#answered(error_detail)
    return { verdict, changed: this.#subscribe(resource_names) }
  }

  take(source: ResourceSource): SotwResponse | undefined {
    if (this.#awaited) return undefined
    const resources = this.#complete ? this.#everything(source) : this.#changes(source)
    if (resources === undefined) return undefined
    this.#news = resources.filter((resource) => !this.#isKnown(resource)).map(({ name }) => name)
    if (this.#complete) this.#sent.clear()
    for (const { name, version } of resources) this.#sent.set(name, version)
    this.#last = { version: combinedVersion(resources), nonce: this.#nextNonce(), resources }
    this.#awaited = true
    return this.#last
  }

  renew(names: Iterable<string>): void {
    for (const name of names) this.#resend(name)
  }

  removes(source: ResourceSource): boolean {
    return this.#complete && !this.#awaited && [...this.#sent.keys()].some((name) => source.find(name) === 'absent')
  }

  #answered(error: SotwRequest['error_detail']): Verdict | undefined {
    const last = this.#last
    if (!last || !this.#awaited) return undefined
    this.#awaited = false
    // "The preferred mechanism for a server to detect a NACK is to look for the presence of the error_detail field."
    this.#rejection = error ? boundedReason(error.message) : undefined
    if (error) return { kind: 'nack', reason: this.#rejection!, resources: last.resources.map(({ name }) => name) }
    this.#accepted = last.version
    return { kind: 'ack' }
  }

  #subscribe(list: readonly string[]): boolean {
    if (list.length > 0) this.#hasNamed = true
    const names = boundedNames(list)
    const all = this.#complete && (names.delete(EVERYTHING) || !this.#hasNamed)
    // "The server must resend any newly requested resources, even if it previously sent those resources."
    for (const name of names) if (!this.#names.has(name)) this.#resend(name)
    const isLeft = (name: string) => !names.has(name) && !all
    for (const name of [...this.#sent.keys()]) if (isLeft(name)) this.#sent.delete(name)
    const changed = all !== this.#all || !isSame(names, this.#names)
    this.#names = names
    this.#all = all
    return changed
  }

  /** All that there is of what is subscribed to; undefined: the client has it, or it is too early to say that something is missing. */
  #everything(source: ResourceSource): readonly Resource[] | undefined {
    const names = this.#wanted(source)
    if (names === undefined || (names.size === 0 && !this.#all)) return undefined
    const resources: Resource[] = []
    for (const name of names) {
      const found = source.find(name)
      if (found === 'pending' && this.#mayHave(name)) return undefined
      if (typeof found === 'object') resources.push(found)
    }
    const isNews =
      this.#last === undefined ||
      resources.length !== this.#sent.size ||
      !resources.every((resource) => this.#isKnown(resource))
    return isNews ? resources : undefined
  }

  /** What of it the client does not have as it is; undefined: nothing. */
  #changes(source: ResourceSource): readonly Resource[] | undefined {
    const resources: Resource[] = []
    for (const name of this.#names) {
      const found = source.find(name)
      if (found === 'absent') this.#sent.delete(name)
      if (typeof found === 'object' && !this.#isKnown(found)) resources.push(found)
    }
    return resources.length > 0 ? resources : undefined
  }

  /** That the client has it is not forgotten: it may be no more, and the client has to be told. */
  #resend(name: string): void {
    if (this.#sent.has(name)) this.#sent.set(name, UNKNOWN)
  }

  /** Whether the client has it as it is. */
  #isKnown({ name, version }: Resource): boolean {
    return this.#sent.get(name) === version
  }

  /** Whether leaving it out may delete it: the client got it, or names it and may have got it on an earlier stream. */
  #mayHave(name: string): boolean {
    return this.#last === undefined || this.#names.has(name) || this.#sent.has(name)
  }

  #wanted(source: ResourceSource): ReadonlySet<string> | undefined {
    if (!this.#all) return this.#names
    const all = source.all()
    return all && new Set([...all, ...this.#names])
  }
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name))
}
