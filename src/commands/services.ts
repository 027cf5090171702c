import { BaseCommand } from '../cli/base-command.js'
import { listServices } from '../core/discovery/list-services.js'

export default class Services extends BaseCommand<typeof Services> {
  static override summary = 'List the services that are registered'
  static override description = `READY counts the servers that take new traffic; ENDPOINTS counts all, balancers too.`
  static override examples = ['<%= config.bin %> services', '<%= config.bin %> services -o plain']

  async run() {
    const services = await listServices(await this.store(), this.prefix, { signal: this.signal })
    const skipped = services.reduce((sum, service) => sum + service.skipped, 0)
    const documents = services.map(({ skipped, ...counts }) => (skipped > 0 ? { ...counts, skipped } : counts))
    await this.print({
      json: { services: documents },
      ndjson: documents,
      table: {
        columns: ['service', 'endpoints', 'ready'],
        rows: services.map(({ service, endpoints, ready }) => [service, endpoints, ready]),
        empty: `no services below ${this.prefix}/`,
      },
      plain: services.map(({ service }) => service),
    })
    if (skipped > 0) this.note(`${skipped} skipped; resolve SERVICE --explain names what and why`)
  }
}
