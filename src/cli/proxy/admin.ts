import type { EndpointChange, ProxySource } from '../../core/admin/proxy/source.js'
import { proxyAdminSource } from '../../core/admin/proxy/admin-source.js'
import { type Admin, createAdmin } from '../../core/admin/start.js'
import { FairleadError } from '../../core/errors.js'
import type { Endpoint } from '../../core/model/endpoint.js'
import type { ProxyEvent } from '../../core/proxy/events.js'
import type { ListenerReading } from '../../core/proxy/reading.js'
import type { Runtime } from '../../core/runtime.js'
import { openLocalSocket } from '../admin/local-socket.js'
import type { ProxyConfiguration } from './configuration.js'
import type { RunningProxy } from './reloading.js'

/** Changes the record of an endpoint in the registry. */
export type SetEndpoint = (change: EndpointChange, signal: AbortSignal) => Promise<Endpoint>

export interface ProxyAdminOptions {
  readonly version: string
  readonly set: SetEndpoint
}

/** The admin endpoint of a proxy, from before that starts until after it has ended. */
export class ProxyAdmin implements ProxySource {
  readonly workers: number
  /** Where it listens on TCP. */
  url: string | undefined
  readonly #set: SetEndpoint
  readonly #runtime: Runtime
  readonly #admin: Admin
  readonly #observers = new Set<(event: ProxyEvent) => void>()
  #configuration: ProxyConfiguration
  #proxy: RunningProxy | undefined

  private constructor(configuration: ProxyConfiguration, { version, set }: ProxyAdminOptions, runtime: Runtime) {
    this.#configuration = configuration
    this.#set = set
    this.#runtime = runtime
    this.workers = configuration.workers
    const { token } = configuration.admin
    this.#admin = createAdmin(proxyAdminSource(this, { version, pid: process.pid }, runtime), { token }, runtime)
  }

  /** Listens on TCP, where that was asked for. Rejects with ADDRESS_IN_USE, PERMISSION_DENIED or INVALID_ARGUMENT. */
  static async open(
    configuration: ProxyConfiguration,
    options: ProxyAdminOptions,
    runtime: Runtime,
  ): Promise<ProxyAdmin> {
    const admin = new ProxyAdmin(configuration, options, runtime)
    const { address } = configuration.admin
    if (address) admin.url = await admin.#admin.listen(address)
    return admin
  }

  /** The proxy runs: there is something to see, and `fairlead top` can find it. */
  async follow(proxy: RunningProxy): Promise<void> {
    this.#proxy = proxy
    if (!this.#configuration.admin.local) return
    await openLocalSocket(this.#admin, 'proxy', proxy.listening[0]!, this.#runtime.log)
  }

  configured(configuration: ProxyConfiguration): void {
    this.#configuration = configuration
  }

  tell(event: ProxyEvent): void {
    for (const observer of this.#observers) observer(event)
  }

  drain(): void {
    this.#admin.drain()
  }

  close(): Promise<void> {
    return this.#admin.close()
  }

  async read(): Promise<readonly ListenerReading[]> {
    return (await this.#proxy?.read()) ?? []
  }

  subscribe(observer: (event: ProxyEvent) => void): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  configuration(): Readonly<Record<string, unknown>> {
    return { proxy: this.#configuration.given }
  }

  get set(): SetEndpoint | undefined {
    return this.#services.length === 0 ? undefined : (change, signal) => this.#change(change, signal)
  }

  /** Only of services that are balanced here: the proxy's rights in the registry are not everybody's. */
  async #change(change: EndpointChange, signal: AbortSignal): Promise<Endpoint> {
    if (this.#services.includes(change.service)) return this.#set(change, signal)
    throw new FairleadError('NOT_FOUND', `${change.service} is no service of this proxy`, {
      hint: `it balances ${this.#services.join(', ')}`,
    })
  }

  get #services(): readonly string[] {
    const { listeners } = this.#configuration.options
    return listeners.flatMap(({ target }) => (target.kind === 'service' ? [target.service] : []))
  }
}
