import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { parseDuration } from '../cli/duration.js'
import { createBalancer } from '../core/balancer/balancer.js'
import { POLICY_NAMES } from '../core/balancer/policies/index.js'
import { choosePolicy } from '../core/balancer/service-config.js'
import { createDataPlaneResolver, type DataPlaneResolver } from '../core/discovery/data-plane-resolver.js'
import type { SnapshotFile } from '../core/discovery/snapshot-file.js'
import { FairleadError } from '../core/errors.js'
import type { ProxyEvent } from '../core/proxy/events.js'
import { parseListen } from '../core/proxy/listen.js'
import { startProxy } from '../core/proxy/proxy.js'
import { proxyEventText } from '../core/proxy/event-text.js'
import { aborted } from '../core/runtime.js'

const BALANCING = 'BALANCING'
const CONNECTIONS = 'CONNECTIONS'
const ACCESS = 'ACCESS'

export default class ProxyCommand extends BaseCommand<typeof ProxyCommand> {
  static override summary = 'Relay TCP connections to the endpoints of a service'
  static override description = `Each new connection goes to one endpoint of the service, chosen by the policy; where that cannot be connected to,
another one is tried. Endpoints that come, go and drain take effect at once and never touch open connections. Without
the registry the endpoints known last go on being used.

LISTEN is [tcp://][HOST]:PORT or PORT (host 127.0.0.1 unless given, port 0 takes a free one). TARGET is a service name
or ADDRESS[@WEIGHT],… SIGTERM stops accepting and lets open connections finish; a second signal ends at once.`
  static override examples = [
    '<%= config.bin %> proxy 8080=web',
    '<%= config.bin %> proxy tcp://:5432=db tcp://:6379=cache --policy least_connections',
    '<%= config.bin %> proxy 8080=10.0.0.5:80@3,10.0.0.6:80',
  ]
  static override longRunning = true
  static override args = {
    'listen=target': Args.string({
      description: 'where to listen and what to balance over',
      required: true,
      multiple: true,
    }),
  }
  static override flags = {
    'policy': Flags.string({
      helpGroup: BALANCING,
      helpValue: 'POLICY',
      description: `${POLICY_NAMES.join(', ')} [default: the service's config, else weighted_round_robin]`,
    }),
    'hash-on': Flags.string({
      helpGroup: BALANCING,
      options: ['source_ip'],
      default: 'source_ip',
      description: 'what source_hash, ring_hash and maglev go by',
    }),
    'retries': Flags.integer({
      helpGroup: BALANCING,
      helpValue: 'N',
      default: 1,
      description: 'further endpoints to try when one cannot be connected to',
    }),
    'snapshot': Flags.string({
      helpGroup: BALANCING,
      helpValue: 'FILE',
      description: 'keep what is known of the services in FILE, and start from it while the registry is away',
    }),
    'connect-timeout': Flags.string({
      helpGroup: CONNECTIONS,
      helpValue: 'DURATION',
      default: '2s',
      description: 'how long connecting to an endpoint may take',
    }),
    'idle-timeout': Flags.string({
      helpGroup: CONNECTIONS,
      helpValue: 'DURATION',
      default: '1h',
      description: 'close connections that carried nothing for so long',
    }),
    'drain-timeout': Flags.string({
      helpGroup: CONNECTIONS,
      helpValue: 'DURATION',
      default: '30s',
      description: 'how long open connections may go on after SIGTERM',
    }),
    'max-connections': Flags.integer({
      helpGroup: CONNECTIONS,
      helpValue: 'N',
      description: 'open connections per listener; further clients get a reset [default: no limit]',
    }),
    'proxy-protocol': Flags.option({
      helpGroup: ACCESS,
      options: ['accept', 'send', 'both'] as const,
      description: 'read the PROXY protocol (1 and 2) from clients in --trust, write it (2) to endpoints, or both',
    })(),
    'trust': Flags.string({
      helpGroup: ACCESS,
      helpValue: 'CIDR',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      description: 'networks whose connections must begin with a PROXY header; repeatable',
    }),
    'allow': Flags.string({
      helpGroup: ACCESS,
      helpValue: 'CIDR',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      description: 'networks that may connect; repeatable [default: everybody]',
    }),
  }

  async run() {
    const { flags } = this
    const choice = flags.policy === undefined ? undefined : choosePolicy(flags.policy)
    const drainTimeoutMs = this.#duration('drain-timeout')
    const listeners = this.args['listen=target'].map(parseListen)
    const services = listeners.some(({ target }) => target.kind === 'service')
    if (flags.snapshot !== undefined && !services) {
      throw new FairleadError('INVALID_ARGUMENT', '--snapshot has no effect: no target is a service')
    }
    const file = await this.#snapshotFile()
    try {
      const proxy = await startProxy(
        {
          listeners,
          retries: flags.retries,
          connectTimeoutMs: this.#duration('connect-timeout'),
          idleTimeoutMs: this.#duration('idle-timeout'),
          ...(flags['max-connections'] !== undefined && { maxConnections: flags['max-connections'] }),
          ...(flags['proxy-protocol'] && { proxyProtocol: flags['proxy-protocol'] }),
          ...(flags.trust && { trust: flags.trust }),
          ...(flags.allow && { allow: flags.allow }),
          onEvent: (event) => this.#tell(event),
        },
        {
          ...(services && { resolver: await this.#resolver(file) }),
          createBalancer: () => createBalancer(choice ? { policy: choice } : {}, this.runtime),
        },
        this.runtime,
      )
      await aborted(this.signal)
      await proxy.drain(drainTimeoutMs)
    } finally {
      await file?.close()
    }
  }

  #duration(flag: 'connect-timeout' | 'idle-timeout' | 'drain-timeout'): number {
    return parseDuration(this.flags[flag], `--${flag}`)
  }

  async #snapshotFile(): Promise<SnapshotFile | undefined> {
    const path = this.flags.snapshot
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
    this.note(proxyEventText(event))
    void this.emit({ ...event })
  }
}
