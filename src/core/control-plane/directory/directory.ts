import type { DataPlaneResolver } from '../../discovery/data-plane-resolver.js'
import { RegistryAccount, type Trouble } from '../../discovery/registry-account.js'
import type { RegistryEvent } from '../../discovery/registry-event.js'
import type { CheckRules } from '../../health/active/endpoint-check.js'
import { Gate } from '../../health/active/gate.js'
import { StallGuard } from '../../health/stall-guard.js'
import type { HealthChange } from '../../health/monitor.js'
import { FairleadError } from '../../errors.js'
import { parseServiceName } from '../../model/service.js'
import type { Runtime } from '../../runtime.js'
import type { ClientLoad } from '../client-load.js'
import type { Directory, ViewObserver } from './contract.js'
import type { DirectoryEvent } from './events.js'
import { FollowedService, type DirectoryRoom } from './followed-service.js'
import { Freshness } from './freshness.js'
import { HostNames, type Lookup, systemLookup } from './host-names.js'
import { probeDialable } from './probe.js'
import type { DirectoryReading } from './reading.js'
import { ServiceNames } from './service-names.js'

export interface DirectoryOptions {
  /** How every endpoint is checked again and again. Default: not at all. */
  readonly checks?: CheckRules | undefined
  /** How long a service that nobody follows any more is kept warm for the next, milliseconds. Default 10,000. */
  readonly lingerMs?: number
  /** How many services without a record may be followed at once. Default 1,000. */
  readonly maxUnknown?: number
  /** Hears of everything worth telling. Must not throw. */
  readonly onEvent?: (event: DirectoryEvent) => void
}

export interface DirectoryDependencies {
  /** Resolves services, with mass expiry held. */
  readonly resolver: DataPlaneResolver
  /** Every change in the registry, from the first snapshot on. */
  events(signal: AbortSignal): AsyncIterable<RegistryEvent>
  /** The services that are known from an earlier run, to go by while the registry does not answer. */
  readonly knownServices?: readonly string[] | undefined
  /** Default: the system's way. */
  readonly lookup?: Lookup
}

/** A directory, as who starts it sees it. */
export interface ServiceDirectory extends Directory {
  /** Settles when there is something to answer from: the registry has said something, or was known from an earlier run. */
  readonly ready: Promise<void>
  read(): DirectoryReading
}

/** Health checks under way at once. */
const MAX_CHECKS = 256
const DEFAULT_LINGER_MS = 10_000
const DEFAULT_MAX_UNKNOWN = 1000

/**
 * Starts to follow the names of the registry's services, and each service from when somebody asks for it. Does not close what it
 * depends on.
 */
export function createDirectory(
  options: DirectoryOptions,
  dependencies: DirectoryDependencies,
  runtime: Runtime,
): ServiceDirectory {
  return new RegistryDirectory(options, dependencies, runtime)
}

interface Entry {
  readonly followed: FollowedService
  readonly observers: Set<ViewObserver>
  /** Ends the wait for somebody else to follow. */
  cancelLinger: () => void
}

/** Stands for the names among those that find the registry away. */
const NAMES = ''

class RegistryDirectory implements ServiceDirectory {
  readonly ready: Promise<void>
  readonly #options: DirectoryOptions
  readonly #dependencies: DirectoryDependencies
  readonly #runtime: Runtime
  readonly #room: DirectoryRoom
  readonly #names: ServiceNames
  readonly #entries = new Map<string, Entry>()
  /** Those followed that have no record, as far as is known. */
  readonly #unknown = new Set<string>()
  readonly #freshness: Freshness
  /** What was heard of the registry as a whole. */
  readonly #account: RegistryAccount
  readonly #end = new AbortController()
  #isReady = false
  #becomeReady!: () => void

  constructor(options: DirectoryOptions, dependencies: DirectoryDependencies, runtime: Runtime) {
    this.#options = options
    this.#dependencies = dependencies
    this.#runtime = runtime
    this.ready = new Promise((resolve) => {
      this.#becomeReady = () => {
        this.#isReady = true
        resolve()
      }
    })
    this.#account = new RegistryAccount(runtime.clock)
    this.#freshness = new Freshness((trouble) => this.#tellFreshness(trouble))
    const stall = new StallGuard(runtime.clock)
    this.#room = {
      resolver: dependencies.resolver,
      hosts: new HostNames(dependencies.lookup ?? systemLookup, runtime),
      checks: options.checks,
      checkRoom: { runtime, probe: probeDialable(runtime.clock), gate: new Gate(MAX_CHECKS), stall },
      runtime,
    }
    if (options.checks) stall.start()
    this.#names = new ServiceNames(runtime.clock)
    void this.#followRegistry()
  }

  follow(name: string, observer: ViewObserver): () => void {
    const service = parseServiceName(name)
    const entry = this.#entries.get(service) ?? this.#open(service)
    const own: ViewObserver = (view, heardAt) => observer(view, heardAt)
    entry.cancelLinger()
    entry.observers.add(own)
    if (entry.followed.view) own(entry.followed.view)
    return () => {
      if (entry.observers.delete(own) && entry.observers.size === 0) this.#linger(entry)
    }
  }

  followNames(observer: (names: readonly string[]) => void): () => void {
    return this.#names.follow(observer)
  }

  countLoad(service: string, load: ClientLoad): void {
    this.#entries.get(service)?.followed.countLoad(load)
  }

  read(): DirectoryReading {
    return {
      isReady: this.#isReady,
      registry: this.#account.read(this.#freshness.oldest),
      services: Array.from(this.#entries.values(), ({ followed }) => followed.read()),
    }
  }

  close(): Promise<void> {
    this.#end.abort()
    this.#names.close()
    for (const entry of [...this.#entries.values()]) this.#drop(entry)
    this.#room.checkRoom.stall.close()
    return Promise.resolve()
  }

  #open(service: string): Entry {
    const { maxUnknown = DEFAULT_MAX_UNKNOWN } = this.#options
    if (this.#end.signal.aborted) throw new FairleadError('ABORTED', 'the directory is closed')
    if (this.#unknown.size >= maxUnknown && !this.#names.has(service)) throw tooMany(maxUnknown, this.#names.areKnown)
    if (!this.#names.has(service)) this.#unknown.add(service)
    const observers = new Set<ViewObserver>()
    const followed = new FollowedService(service, this.#room, {
      viewed: (view, heardAt) => {
        if (view.exists) this.#unknown.delete(service)
        else this.#unknown.add(service)
        this.#becomeReady()
        for (const observer of [...observers]) if (observers.has(observer)) observer(view, heardAt)
      },
      stale: (trouble) => this.#freshness.report(service, trouble),
      health: (change) => this.#tellHealth(service, change),
    })
    const entry = { followed, observers, cancelLinger: () => {} }
    this.#entries.set(service, entry)
    return entry
  }

  #linger(entry: Entry): void {
    const { lingerMs = DEFAULT_LINGER_MS } = this.#options
    entry.cancelLinger()
    entry.cancelLinger = this.#runtime.clock.after(lingerMs, () => this.#drop(entry), { keepAlive: false })
  }

  #drop(entry: Entry): void {
    const { followed, observers, cancelLinger } = entry
    cancelLinger()
    observers.clear()
    followed.close()
    if (!this.#entries.delete(followed.service)) return
    this.#unknown.delete(followed.service)
    this.#freshness.report(followed.service, undefined)
  }

  async #followRegistry(): Promise<void> {
    const { knownServices = [] } = this.#dependencies
    if (knownServices.length > 0) this.#becomeReady()
    for await (const event of this.#dependencies.events(this.#end.signal)) {
      switch (event.type) {
        case 'stale':
          this.#names.assume(knownServices)
          this.#registryAway(event)
          break
        case 'live':
          this.#freshness.report(NAMES, undefined)
          break
        default:
          this.#freshness.report(NAMES, undefined)
          this.#account.heard(event.revision)
          this.#names.take(event)
          this.#becomeReady()
      }
    }
  }

  /** A registry that does not let the whole of it be listed is there all the same. */
  #registryAway(trouble: Trouble): void {
    const { error } = trouble
    if (error.code !== 'PERMISSION_DENIED') return this.#freshness.report(NAMES, trouble)
    this.#runtime.log.warn('the names of all services cannot be listed', { error: error.message })
    this.#freshness.report(NAMES, undefined)
    this.#becomeReady()
  }

  #tellFreshness(trouble: Trouble | undefined): void {
    if (this.#end.signal.aborted) return
    this.#options.onEvent?.(trouble ? { event: 'stale', reason: trouble.error.message } : { event: 'live' })
  }

  #tellHealth(service: string, change: HealthChange): void {
    if (change.kind === 'panic') return this.#options.onEvent?.({ event: 'panic', service, panic: change.panic })
    const { address, health, reason } = change
    this.#options.onEvent?.({ event: 'health', service, address, health, reason })
  }
}

function tooMany(maxUnknown: number, namesAreKnown: boolean): FairleadError {
  if (!namesAreKnown) {
    return new FairleadError('UNAVAILABLE', `${maxUnknown} services of which nothing is known are followed already`, {
      hint: 'try again later',
    })
  }
  return new FairleadError('REFUSED', `${maxUnknown} services that do not exist are followed already`, {
    hint: 'register the service first, or try again later',
  })
}
