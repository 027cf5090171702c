import { Args, Flags } from '@oclif/core'
import { annotateFlag } from '../cli/annotate/flag.js'
import { BaseCommand } from '../cli/base-command.js'
import { resolveDocument } from '../cli/output/resolve-document.js'
import { policyOrigin } from '../core/balancer/policy-origin.js'
import { readLeaseTimes } from '../core/discovery/lease-times.js'
import { readService } from '../core/discovery/read-service.js'
import { judge, parseLabels, selectionError } from '../core/discovery/selection.js'
import type { SkippedRecord } from '../core/model/snapshot.js'

export default class Resolve extends BaseCommand<typeof Resolve> {
  static override summary = 'Show the endpoints of a service'
  static override description = `Reads the registry once, linearizably. Shows what a client may use: servers in state ready (weight 0 included); --all adds
what drains, what is in maintenance, and balancers. Exits 3 for an unknown service and where nothing is left to show.`
  static override examples = [
    '<%= config.bin %> resolve web',
    '<%= config.bin %> resolve web --zone a -l version=1.4,canary!=yes -o plain',
    '<%= config.bin %> resolve web --explain',
  ]
  static override args = { service: Args.string({ required: true, description: 'name of the service' }) }
  static override flags = {
    zone: Flags.string({ helpValue: 'Z', description: 'only endpoints of this zone' }),
    labels: Flags.string({
      char: 'l',
      aliases: ['label'],
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'k=v',
      description: 'only endpoints whose metadata agrees: k=v or k!=v, all of them; separated by commas',
    }),
    all: Flags.boolean({ description: 'also endpoints that drain or are in maintenance, and balancers' }),
    explain: Flags.boolean({
      description: 'tell for each record why it is in or out, where it was read, and which policy the service has',
    }),
    ...annotateFlag,
  }

  async run() {
    const { zone, all, explain } = this.flags
    const selection = { zone, all, labels: (this.flags.labels ?? []).flatMap(parseLabels) }
    const store = await this.store()
    const call = { signal: this.signal }
    const reading = await readService(store, this.prefix, this.args.service, call)
    const judged = judge(reading.records, selection)
    const error = selectionError(reading, judged)
    if (error && (!explain || error.code === 'NOT_FOUND')) throw error

    const wantsTimes = explain || this.settings.output === 'wide'
    const times = wantsTimes ? await readLeaseTimes(store, reading.records, call) : undefined
    const explained = explain ? { policy: policyOrigin(reading.serviceConfig) } : undefined
    await this.print(resolveDocument(reading, judged, { explain: explained, times }))
    this.#tellSkipped(reading.skipped)
    return error ? this.tellFailure(error) : 0
  }

  /** The table of --explain has them already. */
  #tellSkipped(skipped: readonly SkippedRecord[]): void {
    const { explain } = this.flags
    for (const { key, reason } of skipped) {
      this.annotate('warning', key, reason)
      if (explain && !this.isTabular) this.note(`skipped ${key}: ${reason}`)
    }
    if (skipped.length > 0 && !explain) this.note(`${skipped.length} skipped; --explain names what and why`)
  }
}
