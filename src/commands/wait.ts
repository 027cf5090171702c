import { Args, Flags } from '@oclif/core'
import { annotateFlag } from '../cli/annotate/flag.js'
import { BaseCommand } from '../cli/base-command.js'
import { parseDuration } from '../core/library/duration.js'
import { endpointJson, metaText, stateCell } from '../cli/output/endpoint.js'
import { createResolver } from '../core/discovery/resolver.js'
import { parseCondition, waitFor } from '../core/discovery/wait-for.js'
import { parseCheck } from '../core/health/check.js'
import { probe } from '../core/health/probe.js'
import type { Endpoint } from '../core/model/endpoint.js'
import { parseServiceName } from '../core/model/service.js'

/** How long one probe may take, milliseconds. */
const PROBE_TIMEOUT_MS = 2000

export default class Wait extends BaseCommand<typeof Wait> {
  static override summary = 'Wait until a service is there, healthy, or gone'
  static override description = `endpoints=N: at least N servers in state ready are registered; healthy=N: at least N of them pass --check as well;
gone: nothing is registered any more. A registry that is away is waited for too. Exits 124 when the time is up.`
  static override examples = [
    '<%= config.bin %> wait web --for endpoints=3',
    '<%= config.bin %> wait web --for healthy=1 --check http:/ready --timeout 2m',
    '<%= config.bin %> wait web --for gone',
    'In a step of GitHub Actions\n<%= config.bin %> wait web --for endpoints=3 --annotate github',
  ]
  static override args = { service: Args.string({ required: true, description: 'name of the service' }) }
  static override flags = {
    for: Flags.string({ required: true, helpValue: 'CONDITION', description: 'endpoints=N, healthy=N or gone' }),
    timeout: Flags.string({ default: '60s', helpValue: 'DURATION', description: 'how long to wait' }),
    check: Flags.string({
      default: 'tcp',
      helpValue: 'tcp|http:[STATUSES:]/PATH|grpc[:SERVICE]',
      description: 'what healthy means',
    }),
    ...annotateFlag,
  }

  async run() {
    const service = parseServiceName(this.args.service)
    const condition = parseCondition(this.flags.for)
    const check = parseCheck(this.flags.check)
    const options = {
      timeoutMs: parseDuration(this.flags.timeout, '--timeout'),
      probe: (endpoint: Endpoint, signal: AbortSignal) =>
        probe(check, endpoint, PROBE_TIMEOUT_MS, this.runtime.clock, signal),
    }
    const resolver = createResolver(await this.store(), { prefix: this.prefix }, this.runtime)
    const { revision, endpoints } = await waitFor(resolver, service, condition, options, this.runtime, this.signal)
    await this.print({
      json: {
        service,
        for: this.flags.for,
        revision,
        endpoints: endpoints.map((endpoint) => endpointJson({ endpoint, lease: 0n })),
      },
      table: {
        columns: ['address', 'weight', 'zone', 'state', 'meta'],
        rows: endpoints.map(({ address, weight, zone, state, meta }) => [
          address,
          weight,
          zone,
          stateCell(state),
          metaText(meta),
        ]),
        empty: `${service} is gone`,
      },
      plain: endpoints.map(({ address }) => address),
    })
  }
}
