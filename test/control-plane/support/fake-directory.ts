import { parseServiceConfig } from '../../../src/core/balancer/service-config.js'
import type {
  Directory,
  ServedEndpoint,
  ServiceView,
  ViewObserver,
} from '../../../src/core/control-plane/directory/contract.js'
import type { ClientLoad } from '../../../src/core/control-plane/client-load.js'
import { FairleadError } from '../../../src/core/errors.js'
import { parseAddress } from '../../../src/core/model/address.js'
import { compareText } from '../../../src/core/model/order.js'
import { isServiceName } from '../../../src/core/model/service.js'
import type { ServiceConfig } from '../../../src/core/registry/service-config.js'

/** A directory that knows what a test tells it, and tells at once. */
export class FakeDirectory implements Directory {
  readonly #views = new Map<string, ServiceView>()
  readonly #observers = new Map<string, Set<ViewObserver>>()
  readonly #nameObservers = new Set<(names: readonly string[]) => void>()
  #closed = false
  /** What `countLoad` was called with, in order. */
  readonly reported: ({ readonly service: string } & ClientLoad)[] = []

  /** Has everybody see this view from now on. `heardAt`: when the change in the registry that it comes of was heard of. */
  show(view: ServiceView, heardAt?: number): void {
    const isNew = this.#views.get(view.service)?.exists !== view.exists
    this.#views.set(view.service, view)
    for (const observer of [...(this.#observers.get(view.service) ?? [])]) observer(view, heardAt)
    if (isNew) for (const observer of [...this.#nameObservers]) observer(this.#names())
  }

  /** How many observers a service has. */
  followers(service: string): number {
    return this.#observers.get(service)?.size ?? 0
  }

  get isClosed(): boolean {
    return this.#closed
  }

  follow(service: string, observer: ViewObserver): () => void {
    if (!isServiceName(service)) throw new FairleadError('INVALID_ARGUMENT', `bad service name ${service}`)
    // An object of its own for each call, so that one function may follow twice.
    const own: ViewObserver = (view, heardAt) => observer(view, heardAt)
    const observers = this.#observers.get(service) ?? new Set()
    this.#observers.set(service, observers.add(own))
    const known = this.#views.get(service)
    if (known) own(known)
    return () => void observers.delete(own)
  }

  followNames(observer: (names: readonly string[]) => void): () => void {
    const own = (names: readonly string[]) => observer(names)
    this.#nameObservers.add(own)
    own(this.#names())
    return () => void this.#nameObservers.delete(own)
  }

  countLoad(service: string, { requests, failed, dropped }: ClientLoad): void {
    this.reported.push({ service, requests, failed, dropped })
  }

  close(): Promise<void> {
    this.#closed = true
    this.#observers.clear()
    this.#nameObservers.clear()
    return Promise.resolve()
  }

  #names(): string[] {
    return [...this.#views.values()]
      .filter(({ exists }) => exists)
      .map(({ service }) => service)
      .sort(compareText)
  }
}

export interface ViewOptions {
  readonly serviceConfig?: ServiceConfig
  readonly exists?: boolean
}

/** A view of a service with these endpoints, in order of their addresses. */
export function serviceView(
  service: string,
  endpoints: readonly ServedEndpoint[],
  { serviceConfig, exists = true }: ViewOptions = {},
): ServiceView {
  const choice = serviceConfig && parseServiceConfig(serviceConfig)
  return Object.freeze({
    service,
    exists,
    endpoints: [...endpoints].sort((a, b) => compareText(a.address, b.address)),
    choice,
    outlierDetection: choice?.outlierDetection,
    serviceConfig,
  })
}

/** A usable endpoint of weight 1, but for what is said otherwise. */
export function served(address: string, rest: Partial<ServedEndpoint> = {}): ServedEndpoint {
  const { host, port } = parseAddress(address)
  const endpoint = {
    id: address,
    ip: host,
    port,
    address,
    zone: undefined,
    weight: 1,
    state: 'usable',
    meta: {},
  } as const
  return Object.freeze({ ...endpoint, ...rest })
}
