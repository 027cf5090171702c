import { Args, type Config } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { onHangup } from '../cli/hangup.js'
import type { ProxyAdmin, SetEndpoint } from '../cli/proxy/admin.js'
import type { ProxyConfiguration } from '../cli/proxy/configuration.js'
import { proxyFlags, withStickyName } from '../cli/proxy/flags.js'
import { lazyResolver } from '../cli/proxy/lazy-resolver.js'
import { rereadConfiguration, type RunningProxy } from '../cli/proxy/reloading.js'
import { ConfigurationSource } from '../cli/proxy/source.js'
import { createBalancer } from '../core/balancer/balancer.js'
import { createDataPlaneResolver, type DataPlaneResolver } from '../core/discovery/data-plane-resolver.js'
import type { SnapshotFile } from '../core/discovery/snapshot-file.js'
import type { ProxyEvent } from '../core/proxy/events.js'
import { startProxy } from '../core/proxy/proxy.js'
import { proxyEventText } from '../core/proxy/event-text.js'
import { aborted } from '../core/runtime.js'

export default class ProxyCommand extends BaseCommand<typeof ProxyCommand> {
  static override summary = 'Balance TCP connections, HTTP requests and gRPC calls over the endpoints of a service'
  static override description = `Each new connection, or with HTTP and gRPC each request, goes to one endpoint of the service, chosen by the policy;
where that cannot be reached, another one is tried. Endpoints that come, go and drain take effect at once and never touch
what is under way. Without the registry the endpoints known last go on being used.

LISTEN is [tcp://|http://|grpc://|auto://][HOST]:PORT or PORT: host 127.0.0.1 unless given, port 0 takes a free one, and auto://,
the default, goes by the first bytes of each connection. TARGET is a service name or ADDRESS[@WEIGHT],…

What happens can be watched with fairlead top, which finds the proxy by a socket in the user's runtime folder. The socket and --admin
speak HTTP: GET / lists /state, /events, /metrics for Prometheus, /healthz, /readyz and more, and POST /set drains an endpoint of a
registered service, readies it or changes its weight.

SIGTERM stops accepting and lets open connections and requests finish; a second signal ends at once.

A config file may hold all of it in a section \`proxy\`: the flags as keys, and \`listen\`, a list of LISTEN=TARGET. What is on the
command line wins. SIGHUP reads that section and the TLS files again: what changed counts for new connections and requests,
listeners come and go, and nothing under way is broken off. A file that cannot be used changes nothing.`
  static override examples = [
    '<%= config.bin %> proxy 8080=web',
    '<%= config.bin %> proxy tcp://:5432=db tcp://:6379=cache --policy least_connections',
    '<%= config.bin %> proxy grpc://:50051=greeter http://:8080=web --workers 4',
    '<%= config.bin %> proxy http://:8443=web --tls-cert cert.pem --tls-key key.pem --sticky',
    '<%= config.bin %> proxy 8080=10.0.0.5:80@3,10.0.0.6:80',
    '<%= config.bin %> proxy http://:8080=web --admin 9090',
    '<%= config.bin %> proxy --config proxy.yaml',
  ]
  static override longRunning = true
  static override args = {
    'listen=target': Args.string({
      description: 'where to listen and what to balance over',
      multiple: true,
    }),
  }
  static override flags = proxyFlags

  #admin: ProxyAdmin | undefined

  constructor(argv: string[], config: Config) {
    super(withStickyName(argv), config)
  }

  async run() {
    const source = new ConfigurationSource(this.args['listen=target'] ?? [], this.flags, this.settings)
    let configuration = source.first()
    const file = await this.#snapshotFile(configuration.snapshotFile)
    try {
      const starting = this.#start(configuration, file)
      // From the first moment: a SIGHUP that nobody listens for ends the process.
      onHangup(async () => {
        const proxy = await starting.catch(() => undefined)
        if (!proxy) return
        configuration = await rereadConfiguration(source, proxy, configuration, (event) => this.#tell(event))
        this.#admin?.configured(configuration)
      }, this.signal)
      const proxy = await starting
      await this.#admin?.follow(proxy)
      if (this.#admin?.url !== undefined) this.#tell({ event: 'admin', url: this.#admin.url })
      await aborted(this.signal)
      this.#admin?.drain()
      await proxy.drain(configuration.drainTimeoutMs)
    } finally {
      await this.#admin?.close()
      await file?.close()
    }
  }

  async #openAdmin(configuration: ProxyConfiguration): Promise<void> {
    const { address, local } = configuration.admin
    if (!address && !local) return
    const { ProxyAdmin } = await import('../cli/proxy/admin.js')
    const set: SetEndpoint = async ({ service, address, ...changes }, signal) => {
      const { setRecord } = await import('../core/registry/set-record.js')
      const store = await this.store()
      return setRecord(store, this.prefix, service, address, changes, this.runtime, { signal })
    }
    this.#admin = await ProxyAdmin.open(configuration, { version: this.config.version, set }, this.runtime)
  }

  async #start(configuration: ProxyConfiguration, file: SnapshotFile | undefined): Promise<RunningProxy> {
    await this.#openAdmin(configuration)
    const resolver = lazyResolver(() => this.#resolver(file))
    const onEvent = (event: ProxyEvent) => this.#tell(event)
    if (configuration.workers > 1) {
      const { startWorkerPool } = await import('../cli/proxy/worker-pool.js')
      const { root } = this.config
      const log = { level: this.settings.logLevel, format: this.settings.logFormat }
      return startWorkerPool({ configuration, resolver, root, log, onEvent }, this.runtime)
    }
    const proxy = await startProxy(
      { ...configuration.options, onEvent },
      {
        resolver,
        createBalancer: () => createBalancer({}, this.runtime),
      },
      this.runtime,
    )
    return {
      get listening() {
        return proxy.listening
      },
      read: async () => proxy.read(),
      reload: (next) => proxy.reload(next.options, next.drainTimeoutMs),
      drain: async (timeoutMs) => void (await proxy.drain(timeoutMs)),
    }
  }

  async #snapshotFile(path: string | undefined): Promise<SnapshotFile | undefined> {
    if (path === undefined) return undefined
    const { openSnapshotFile } = await import('../core/discovery/snapshot-file.js')
    return openSnapshotFile({ path, prefix: this.prefix }, this.runtime)
  }

  async #resolver(file: SnapshotFile | undefined): Promise<DataPlaneResolver> {
    const { createResolver } = await import('../core/discovery/resolver.js')
    const resolver = createResolver(await this.store(), { prefix: this.prefix }, this.runtime)
    return createDataPlaneResolver(resolver, { snapshotFile: file }, this.runtime)
  }

  #tell(event: ProxyEvent): void {
    this.#admin?.tell(event)
    this.note(proxyEventText(event))
    void this.emit({ ...event })
  }
}
