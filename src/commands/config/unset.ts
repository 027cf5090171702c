import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.js'
import { parseServiceName } from '../../core/model/service.js'
import { unsetServiceConfig } from '../../core/registry/service-config.js'

export default class ConfigUnset extends BaseCommand<typeof ConfigUnset> {
  static override summary = "Remove a service's gRPC service config"
  static override description = 'Its readers go back to their own policy. Exits 3 where none is stored.'
  static override examples = ['<%= config.bin %> config unset web']
  static override args = { service: Args.string({ required: true, description: 'name of the service' }) }

  async run() {
    const service = parseServiceName(this.args.service)
    await unsetServiceConfig(await this.store(), this.prefix, service, { signal: this.signal })
    this.note(`removed the service config of ${service}`)
    if (this.settings.output !== 'table') await this.print({ json: { service }, plain: [] })
  }
}
