import { BaseCommand } from '../cli/base-command.js'
import { refuseIdleCheckFlags, tlsFiles } from '../cli/server-values.js'
import type { AdminConfiguration } from '../cli/admin/configuration.js'
import { givenValues } from '../cli/given-values.js'
import type { ServeAdmin } from '../cli/serve/admin.js'
import { serveAdminConfiguration } from '../cli/serve/admin-configuration.js'
import { serveFlags } from '../cli/serve/flags.js'
import { startControlPlane } from '../core/control-plane/control-plane.js'
import { controlPlaneEventText } from '../core/control-plane/event-text.js'
import type { ControlPlaneEvent } from '../core/control-plane/events.js'
import { createDataPlaneResolver } from '../core/discovery/data-plane-resolver.js'
import { createResolver } from '../core/discovery/resolver.js'
import { openSnapshotFile } from '../core/discovery/snapshot-file.js'
import { parseDuration } from '../core/library/duration.js'
import { controlPlaneOptions } from '../core/library/serve-options.js'
import { aborted } from '../core/runtime.js'

/** How long calls may take to end after SIGTERM, milliseconds. Streams are ended at once. */
const DRAIN_MS = 5000

export default class Serve extends BaseCommand<typeof Serve> {
  static override summary = 'Tell gRPC clients and Envoy which servers to use'
  static override description = `Clients connect to the servers themselves, and ask here which: gRPC's lookaside protocol (--grpclb) or xDS (--xds).
Answers follow the registry within a moment, with the service's policy, weights, zones, drains and, with --health-check, the
health of each endpoint. Without the registry the endpoints known last go on being told.

LISTEN is [grpc://][HOST]:PORT or PORT: host 127.0.0.1 unless given, port 0 takes a free one. Both protocols may share one. Each port
also has the services health, reflection and channelz.

--admin, and a socket in the user's runtime folder, show over HTTP what is told to whom: GET / lists /state, /events, /metrics for
Prometheus, /healthz, /readyz and more.

SIGTERM ends the streams, so that clients ask another control plane; they go on with what they know. A second signal ends at once.`
  static override examples = [
    '<%= config.bin %> serve --grpclb :8001',
    '<%= config.bin %> serve --xds :18000 --zone eu-1 --health-check grpc',
    '<%= config.bin %> serve --xds :18000 --admin 9090',
    '<%= config.bin %> serve --grpclb 0.0.0.0:443 --xds 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem',
  ]
  static override longRunning = true
  static override flags = serveFlags

  #admin: ServeAdmin | undefined

  async run() {
    refuseIdleCheckFlags(this.flags)
    const { grpclb, xds, zone, 'snapshot': path, 'health-check': healthCheck } = this.flags
    const options = controlPlaneOptions({
      grpclb,
      xds,
      healthCheck,
      healthIntervalMs: this.#duration('health-interval'),
      reportIntervalMs: this.#duration('report-interval'),
      tls: tlsFiles(this.flags),
      zone,
      onEvent: (event) => this.#tell(event),
    })
    const adminOptions = serveAdminConfiguration(this.flags)
    const { prefix, runtime } = this
    const file = path === undefined ? undefined : await openSnapshotFile({ path, prefix }, runtime)
    try {
      await this.#openAdmin(adminOptions)
      const registry = createResolver(await this.store(), { prefix }, runtime)
      const dependencies = {
        resolver: createDataPlaneResolver(registry, { snapshotFile: file }, runtime),
        events: (signal: AbortSignal) => registry.events(undefined, signal),
        knownServices: file?.services,
      }
      const controlPlane = await startControlPlane(options, dependencies, runtime)
      await this.#admin?.follow(controlPlane)
      if (this.#admin?.url !== undefined) this.#tell({ event: 'admin', url: this.#admin.url })
      await aborted(this.signal)
      this.#admin?.drain()
      await controlPlane.drain(DRAIN_MS)
    } finally {
      await this.#admin?.close()
      await file?.close()
    }
  }

  async #openAdmin(options: AdminConfiguration): Promise<void> {
    if (!options.address && !options.local) return
    const { ServeAdmin } = await import('../cli/serve/admin.js')
    const { version } = this.config
    const given = givenValues(Object.keys(serveFlags), this.flags)
    this.#admin = await ServeAdmin.open({ ...options, version, given }, this.runtime)
  }

  #duration(flag: 'health-interval' | 'report-interval'): number | undefined {
    const text = this.flags[flag]
    return text === undefined ? undefined : parseDuration(text, `--${flag}`)
  }

  #tell(event: ControlPlaneEvent): void {
    this.#admin?.tell(event)
    const text = controlPlaneEventText(event)
    if (text !== undefined) this.note(text)
    void this.emit({ ...event })
  }
}
