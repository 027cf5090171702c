import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { parseKeyValues } from '../cli/key-values.js'
import { FairleadError } from '../core/errors.js'
import type { Description } from '../core/registry/description.js'
import { setRecord } from '../core/registry/set-record.js'

export default class SetCommand extends BaseCommand<typeof SetCommand> {
  static override summary = 'Change the weight, state or metadata of a registered endpoint'
  static override description = `The record stays under its lease, and the process that keeps it registered takes the change over, so that it survives a lost
lease. It does not survive that process.

drain gets no new traffic while old may finish; maint is out.`
  static override examples = [
    '<%= config.bin %> set web 10.0.0.5:8080 --weight 0',
    '<%= config.bin %> set web 10.0.0.5:8080 --state drain',
  ]
  static override args = {
    service: Args.string({ description: 'name of the service', required: true }),
    address: Args.string({ description: 'address of the endpoint', required: true }),
  }
  static override flags = {
    weight: Flags.integer({ helpValue: 'N', description: 'share of the traffic, 0 to 1000' }),
    state: Flags.option({ options: ['ready', 'drain', 'maint'] as const, description: 'whether it takes traffic' })(),
    meta: Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'k=v', description: 'metadata to add' }),
  }

  async run(): Promise<void> {
    const { service, address } = this.args
    const { weight, state } = this.flags
    const changes: Description = {
      ...(weight === undefined ? {} : { weight }),
      ...(state === undefined ? {} : { state }),
      ...(this.flags.meta === undefined ? {} : { meta: parseKeyValues('--meta', this.flags.meta) }),
    }
    if (Object.keys(changes).length === 0) {
      throw new FairleadError('INVALID_ARGUMENT', 'nothing to set', { hint: 'use --weight, --state or --meta' })
    }
    const options = { signal: this.signal }
    const store = await this.store()
    const endpoint = await setRecord(store, this.prefix, service, address, changes, this.runtime, options)
    this.note(`set ${service} ${endpoint.address} weight=${endpoint.weight} state=${endpoint.state}`)
    await this.emit({ event: 'set', service, endpoint })
  }
}
