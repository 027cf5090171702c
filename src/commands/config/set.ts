import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.js'
import { readStdin } from '../../cli/stdin.js'
import { parseJsonInput } from '../../cli/json-input.js'
import { checkedServiceConfig } from '../../core/balancer/checked-config.js'
import { parseServiceName } from '../../core/model/service.js'
import { type ServiceConfig, setServiceConfig } from '../../core/registry/service-config.js'

export default class ConfigSet extends BaseCommand<typeof ConfigSet> {
  static override summary = "Store a service's gRPC service config"
  static override description = `Proxies, balancers and pick take the service's policy from it, at once; a --policy of their own wins. It must be a gRPC
service config in JSON whose loadBalancingConfig, if there is one, names a known policy, and whose methodConfig is right; other fields are
kept as they are.`
  static override examples = [
    '<%= config.bin %> config set web \'{"loadBalancingConfig":[{"least_request":{"choiceCount":3}}]}\'',
    '<%= config.bin %> config set web - < service-config.json',
  ]
  static override args = {
    service: Args.string({ required: true, description: 'name of the service' }),
    json: Args.string({ required: true, description: 'the service config; - reads it from stdin', ignoreStdin: true }),
  }

  async run() {
    const service = parseServiceName(this.args.service)
    const text = this.args.json === '-' ? await readStdin() : this.args.json
    const config = parseJsonInput(text, 'the service config')
    const choice = checkedServiceConfig(config)
    const store = await this.store()
    await setServiceConfig(store, this.prefix, service, config as ServiceConfig, { signal: this.signal })
    this.note(`set the service config of ${service}${choice === undefined ? '' : `: balanced by ${choice.name}`}`)
    if (this.settings.output !== 'table') await this.print({ json: { service, config }, plain: [] })
  }
}
