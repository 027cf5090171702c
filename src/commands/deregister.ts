import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { FairleadError } from '../core/errors.js'
import { deregister } from '../core/registry/deregister.js'
import { notFound } from '../core/registry/set-record.js'

export default class DeregisterCommand extends BaseCommand<typeof DeregisterCommand> {
  static override summary = 'Take an endpoint out of a service for good'
  static override description = `Works from anywhere: the process that keeps the endpoint registered obeys. Without a child it ends with status 0, with
one it lives on as a plain wrapper.`
  static override examples = [
    '<%= config.bin %> deregister web 10.0.0.5:8080',
    '<%= config.bin %> deregister web --all --ignore-missing',
  ]
  static override args = {
    service: Args.string({ description: 'name of the service', required: true }),
    address: Args.string({ description: 'address of the endpoint' }),
  }
  static override flags = {
    'all': Flags.boolean({ description: 'take out every endpoint of the service' }),
    'ignore-missing': Flags.boolean({ description: 'succeed where there is nothing to take out' }),
  }

  async run(): Promise<void> {
    const { service, address } = this.args
    if ((address === undefined) !== (this.flags.all ?? false)) {
      throw new FairleadError('INVALID_ARGUMENT', 'deregister needs an ADDRESS or --all, and not both', {
        hint: `fairlead resolve ${service} lists the addresses`,
      })
    }
    const which = address === undefined ? 'all' : { address }
    const options = { signal: this.signal }
    const store = await this.store()
    const addresses = await deregister(store, this.prefix, service, which, this.runtime, options)
    if (addresses.length === 0 && !this.flags['ignore-missing']) {
      if (address !== undefined) throw notFound(service, address)
      throw new FairleadError('NOT_FOUND', `nothing is registered for ${service}`, {
        hint: 'fairlead services lists what is registered',
      })
    }
    for (const gone of addresses) {
      this.note(`deregistered ${service} ${gone}`)
      await this.emit({ event: 'deregistered', service, address: gone })
    }
  }
}
