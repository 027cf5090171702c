import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.js'
import { parseServiceName } from '../../core/model/service.js'
import { getServiceConfig } from '../../core/registry/service-config.js'

export default class ConfigGet extends BaseCommand<typeof ConfigGet> {
  static override summary = "Print a service's gRPC service config"
  static override examples = [
    '<%= config.bin %> config get web',
    'Edit it\n<%= config.bin %> config get web | jq \'.loadBalancingConfig=[{"random":{}}]\' | <%= config.bin %> config set web -',
  ]
  static override args = { service: Args.string({ required: true, description: 'name of the service' }) }

  async run() {
    const service = parseServiceName(this.args.service)
    const config = await getServiceConfig(await this.store(), this.prefix, service, { signal: this.signal })
    await this.print({
      json: { service, config },
      text: JSON.stringify(config, undefined, 2),
      plain: [JSON.stringify(config)],
    })
  }
}
