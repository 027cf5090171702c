import { Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { aborted } from '../core/runtime.js'

export default class RegistryCommand extends BaseCommand<typeof RegistryCommand> {
  static override summary = 'Run an etcd-compatible registry in memory, for development and CI'
  static override description = `Speaks the etcd v3 API (KV, Watch, Lease and what clients ask of a cluster), so that fairlead, etcdctl and any etcd
client use it as they would an etcd of one member. It keeps nothing on disk: what was stored is gone when it ends. It has
no authentication and no TLS. Past revisions stay readable up to 100,000 of them or 64 MiB, whichever is less.`
  static override examples = ['<%= config.bin %> registry', '<%= config.bin %> registry --listen 127.0.0.1:0 -o ndjson']
  static override longRunning = true
  static override flags = {
    listen: Flags.string({
      helpValue: 'HOST:PORT',
      default: '127.0.0.1:2379',
      description: 'where to listen; port 0 takes a free one',
    }),
  }

  async run() {
    const { startEmbeddedRegistry } = await import('../core/registry/embedded/index.js')
    const registry = await startEmbeddedRegistry({ listen: this.flags.listen }, this.runtime)
    try {
      if (!registry.loopbackOnly) {
        this.note(`warning: ${registry.listen} is open to other machines, and this registry lets anyone read and write`)
      }
      this.note(`listening ${registry.listen}: use it with FAIRLEAD_ENDPOINTS=${registry.endpoint}`)
      await this.emit({ event: 'listening', listen: registry.listen, endpoint: registry.endpoint })
      await aborted(this.signal)
    } finally {
      await registry.close()
    }
  }
}
