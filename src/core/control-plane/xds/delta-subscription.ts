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

/** The part of a `DeltaDiscoveryRequest` that concerns one type. */
export interface DeltaRequest {
  readonly resource_names_subscribe: readonly string[]
  readonly resource_names_unsubscribe: readonly string[]
  readonly initial_resource_versions: Readonly<Record<string, string>>
  readonly response_nonce: string
  readonly error_detail: { readonly message: string } | null
}

export interface DeltaResponse {
  readonly version: string
  readonly nonce: string
  readonly resources: readonly Resource[]
  readonly removed: readonly string[]
}

/** In place of a version: the client knows that there is no such resource. */
const NONE = ''
/** In place of a version: the client has to be told of it, whatever it has. */
const UNKNOWN = '?'

/** A subscription in the incremental form of the protocol. */
export class DeltaSubscription implements Subscription<DeltaRequest, DeltaResponse> {
  /** Whether everything of this type can be subscribed to. */
  readonly #hasWildcard: boolean
  readonly #nextNonce: () => string
  #names: ReadonlySet<string> = new Set()
  #all = false
  #hasAsked = false
  /** What the client has: a version, `NONE` or `UNKNOWN`. */
  readonly #has = new Map<string, string>()
  #last: DeltaResponse | undefined
  #awaited = false
  #accepted = ''
  #rejection: string | undefined

  constructor(hasWildcard: boolean, nextNonce: () => string) {
    this.#hasWildcard = hasWildcard
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
    return this.#last?.resources.map(({ name }) => name) ?? []
  }

  /** "The server must honor changes to the subscription state even if the nonce is stale." */
  request(request: DeltaRequest): RequestEffect {
    const verdict = this.#answered(request)
    const before = { names: this.#names, all: this.#all }
    const isFirst = !this.#hasAsked
    this.#hasAsked = true
    if (isFirst) this.#remember(request)
    this.#subscribe(request, isFirst)
    this.#unsubscribe(request.resource_names_unsubscribe)
    if (!this.#all) for (const name of this.#has.keys()) if (!this.#names.has(name)) this.#has.delete(name)
    return { verdict, changed: before.names !== this.#names || before.all !== this.#all }
  }

  take(source: ResourceSource): DeltaResponse | undefined {
    if (this.#awaited) return undefined
    const names = this.#wanted(source)
    if (!names) return undefined
    const resources: Resource[] = []
    const removed: string[] = []
    for (const name of names) {
      const found = source.find(name)
      const has = this.#has.get(name)
      if (found === 'pending') {
        // The first answer to who wants everything is complete: clients start with it.
        if (this.#all && this.#last === undefined) return undefined
      } else if (found === 'absent') {
        if (has !== NONE && (has !== undefined || this.#names.has(name))) removed.push(name)
      } else if (has !== found.version) resources.push(found)
    }
    for (const name of this.#has.keys()) if (!names.has(name)) removed.push(name)
    if (resources.length === 0 && removed.length === 0 && !(this.#all && this.#last === undefined)) return undefined
    return this.#send(resources, removed)
  }

  renew(names: Iterable<string>): void {
    for (const name of names) if (this.#has.has(name)) this.#has.set(name, UNKNOWN)
  }

  removes(source: ResourceSource): boolean {
    return !this.#awaited && [...this.#has].some(([name, has]) => has !== NONE && source.find(name) === 'absent')
  }

  #send(resources: readonly Resource[], removed: readonly string[]): DeltaResponse {
    for (const { name, version } of resources) this.#has.set(name, version)
    for (const name of removed) {
      if (this.#names.has(name)) this.#has.set(name, NONE)
      else this.#has.delete(name)
    }
    this.#last = { version: combinedVersion(resources), nonce: this.#nextNonce(), resources, removed }
    this.#awaited = true
    return this.#last
  }

  #answered({ response_nonce, error_detail: error }: DeltaRequest): Verdict | undefined {
    const last = this.#last
    if (!last || !this.#awaited || response_nonce !== last.nonce) return undefined
    this.#awaited = false
    this.#rejection = error ? boundedReason(error.message) : undefined
    if (error) return { kind: 'nack', reason: this.#rejection!, resources: last.resources.map(({ name }) => name) }
    this.#accepted = last.version
    return { kind: 'ack' }
  }

  /** What the client has of an earlier stream need not be sent again. */
  #remember({ initial_resource_versions }: DeltaRequest): void {
    const names = boundedNames(Object.keys(initial_resource_versions))
    for (const name of names) this.#has.set(name, initial_resource_versions[name] || UNKNOWN)
  }

  #subscribe({ resource_names_subscribe, resource_names_unsubscribe }: DeltaRequest, isFirst: boolean): void {
    const names = new Set(resource_names_subscribe)
    // Who names nothing at first wants everything, as in the days before `*`.
    const isLegacy = isFirst && names.size === 0 && resource_names_unsubscribe.length === 0
    if (this.#hasWildcard && (names.delete(EVERYTHING) || isLegacy)) this.#all = true
    if (names.size === 0) return
    this.#names = boundedNames([...this.#names, ...names])
    // "The client may have 'forgotten' those resources despite apparently remaining subscribed."
    if (!isFirst) for (const name of names) this.#has.set(name, UNKNOWN)
  }

  #unsubscribe(list: readonly string[]): void {
    const left = new Set(list.filter((name) => this.#names.has(name)))
    if (left.size > 0) this.#names = new Set([...this.#names].filter((name) => !left.has(name)))
    if (list.includes(EVERYTHING)) this.#all = false
    // "The server must send a response that includes the specific resource", there or removed, where all are subscribed to.
    if (this.#all) for (const name of left) this.#has.set(name, UNKNOWN)
  }

  /** Undefined: not known yet. */
  #wanted(source: ResourceSource): ReadonlySet<string> | undefined {
    if (!this.#all) return this.#names
    const all = source.all()
    return all && new Set([...all, ...this.#names])
  }
}
