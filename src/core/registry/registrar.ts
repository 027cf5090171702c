import { FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import { parseServiceName } from '../model/service.js'
import type { Runtime } from '../runtime.js'
import { describeEndpoint } from './description.js'
import { newInstanceId } from './instance-id.js'
import { KeptRegistration, type Shared } from './kept-registration.js'
import { KeyLayout } from './keys.js'
import { LeasePool } from './lease-pool.js'
import { Leftovers } from './leftovers.js'
import { Limiter } from './limiter.js'
import { OwnKeysWatch } from './own-keys-watch.js'
import { placeOf } from './record-access.js'
import type { Registration, RegistrationOptions } from './registration.js'
import type { Store } from './store.js'

const DEFAULT_TTL_SECONDS = 10
const MAX_TTL_SECONDS = 9_000_000
/** How many registrations of a process talk to the registry at the same time. */
const CONCURRENCY = 32

export interface RegistrarOptions {
  readonly prefix?: string
  /** Default of the registrations, 10. */
  readonly ttlSeconds?: number
}

/** Registers the endpoints of one process and keeps them registered. They share leases and one keepalive stream. */
export interface Registrar {
  /**
   * Begins to register. Throws INVALID_ARGUMENT for a bad service, address or option, and CONFLICT for an address that this registrar has
   * registered already. Never waits for the registry: the record appears when the registry answers.
   */
  start(service: string, address: string, options?: RegistrationOptions): Registration
  /**
   * Like `start`, and resolves when the record is in the registry. Rejects if the registration ends before, with its error;
   * with ABORTED if the signal ends it.
   */
  register(service: string, address: string, options?: RegistrationOptions, signal?: AbortSignal): Promise<Registration>
  /** Closes every registration. Never rejects. Idempotent. The store stays open. */
  close(): Promise<void>
}

/** Throws INVALID_ARGUMENT. */
export function createRegistrar(store: Store, options: RegistrarOptions, runtime: Runtime): Registrar {
  return new StoreRegistrar(store, options, runtime)
}

class StoreRegistrar implements Registrar {
  readonly #layout: KeyLayout
  readonly #ttlSeconds: number
  readonly #shared: Shared
  readonly #registrations = new Map<string, Registration>()
  #closed = false

  constructor(store: Store, options: RegistrarOptions, runtime: Runtime) {
    this.#layout = new KeyLayout(options.prefix)
    this.#ttlSeconds = parseTtl(options.ttlSeconds ?? DEFAULT_TTL_SECONDS)
    this.#shared = {
      store,
      runtime,
      leases: new LeasePool(store, runtime),
      watch: new OwnKeysWatch(store, runtime),
      leftovers: new Leftovers(runtime),
      limiter: new Limiter(CONCURRENCY),
    }
  }

  start(service: string, address: string, options: RegistrationOptions = {}): Registration {
    if (this.#closed) throw new FairleadError('ABORTED', 'the registrar is closed')
    const { id = newInstanceId(this.#shared.runtime), role = 'server' } = options
    const endpoint: Endpoint = describeEndpoint(address, id, role, options)
    const place = placeOf(this.#layout, parseServiceName(service), endpoint.address, role)
    if (this.#registrations.has(place.key)) {
      throw new FairleadError('CONFLICT', `${endpoint.address} of ${service} is registered by this process already`)
    }
    this.#shared.leftovers.drop(place.key, id)
    const registration = new KeptRegistration(this.#shared, {
      service,
      place,
      endpoint,
      ttlSeconds: parseTtl(options.ttlSeconds ?? this.#ttlSeconds),
      mode: options.onConflict ?? 'wait',
      visible: options.visible ?? true,
      giveUpAfterMs: options.giveUpAfterMs,
      onEvent: (event) => {
        if (event.type === 'ended') this.#registrations.delete(place.key)
        options.onEvent?.(event)
      },
    })
    this.#registrations.set(place.key, registration)
    return registration
  }

  async register(
    service: string,
    address: string,
    options: RegistrationOptions = {},
    signal?: AbortSignal,
  ): Promise<Registration> {
    if (signal?.aborted) throw new FairleadError('ABORTED', 'the registration was given up before it began')
    let settle!: () => void
    const registered = new Promise<void>((resolve) => (settle = resolve))
    const registration = this.start(service, address, {
      ...options,
      onEvent: (event) => {
        if (event.type === 'registered') settle()
        options.onEvent?.(event)
      },
    })
    const onAbort = () => void registration.close()
    signal?.addEventListener('abort', onAbort, { once: true })
    const end = await Promise.race([registered, registration.closed])
    signal?.removeEventListener('abort', onAbort)
    if (!end) return registration
    if ('error' in end) throw end.error
    throw new FairleadError('ABORTED', `the registration of ${registration.address} was ${end.how}`)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#registrations.values()].map((registration) => registration.close()))
    this.#shared.watch.close()
    this.#shared.leftovers.close()
  }
}

/** Whole seconds, at least 1. Throws INVALID_ARGUMENT. */
export function parseTtl(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TTL_SECONDS) return seconds
  throw new FairleadError('INVALID_ARGUMENT', `bad TTL: ${seconds} s`, {
    hint: `use whole seconds from 1 to ${MAX_TTL_SECONDS}`,
  })
}
