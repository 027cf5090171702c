import { Args, Flags } from '@oclif/core'
import { annotateFlag } from '../cli/annotate/flag.js'
import { BaseCommand } from '../cli/base-command.js'
import { pickDocument } from '../cli/output/pick-document.js'
import { explainChiSquare, type ChiSquare } from '../core/balancer/chi-square.js'
import { POLICY_NAMES } from '../core/balancer/policies/index.js'
import { previewPicks } from '../core/balancer/preview.js'
import { choosePolicy } from '../core/balancer/service-config.js'
import { readLeaseTimes } from '../core/discovery/lease-times.js'
import { readService, snapshotOf, unknownService } from '../core/discovery/read-service.js'
import { parseStaticEndpoints } from '../core/discovery/static-resolver.js'
import { FairleadError } from '../core/errors.js'
import type { Snapshot } from '../core/model/snapshot.js'
import type { LeaseInfo } from '../core/registry/store.js'

const MAX_PICKS = 1_000_000

export default class Pick extends BaseCommand<typeof Pick> {
  static override summary = 'Show which endpoints a policy would pick'
  static override description = `Makes one pick, or -n of them, as a proxy would, without sending anything. Requests of one run stay in flight until its
end, so that policies that go by load show how they spread it. One pick alone begins at a random position of the policy;
-n above 1 or --seed begins at the first. Without --hash-key each of several picks has a key of its own.

Several picks are drawn as bars on a terminal. Pearson's chi-square test tells how the shares agree with the expected ones: the p-value is
how often independent draws would stray at least as far.`
  static override examples = [
    '<%= config.bin %> pick web',
    '<%= config.bin %> pick web -n 1000 --policy least_request --seed 1',
    '<%= config.bin %> pick --static 10.0.0.5:80@3,10.0.0.6:80 -n 8 -o plain',
    'Why is it never picked?\n<%= config.bin %> pick web --policy maglev --hash-key user-42 --explain',
  ]
  static override args = { service: Args.string({ description: 'name of the service' }) }
  static override flags = {
    'static': Flags.string({
      helpValue: 'ADDR[@WEIGHT],…',
      description: 'a fixed list of endpoints instead of a service',
    }),
    'policy': Flags.string({
      helpValue: 'POLICY',
      description: `${POLICY_NAMES.join(', ')} [default: the service's config, else weighted_round_robin]`,
    }),
    'count': Flags.integer({
      char: 'n',
      helpValue: 'N',
      default: 1,
      min: 1,
      max: MAX_PICKS,
      description: 'how many picks to make',
    }),
    'hash-key': Flags.string({ helpValue: 'KEY', description: 'the key of every pick, for the hash policies' }),
    'seed': Flags.integer({ helpValue: 'N', description: 'make draws reproducible' }),
    'explain': Flags.boolean({
      description: 'tell for each endpoint why it is in or out, and where the policy comes from',
    }),
    ...annotateFlag,
  }

  async run() {
    const { flags } = this
    const policy = flags.policy === undefined ? undefined : choosePolicy(flags.policy)
    const { snapshot, times } = await this.#subject()
    const { 'count': picks, 'hash-key': key, seed, explain } = flags
    const preview = previewPicks(snapshot, { policy, picks, key, seed }, this.runtime)
    const { failure, chiSquare, origin } = preview
    if (failure && !explain) throw failure
    const { skipped } = snapshot
    const terminalColumns = process.stdout.isTTY ? process.stdout.columns : undefined
    await this.print(pickDocument(snapshot.service, preview, { explain, skipped, times, terminalColumns }))
    if (picks > 1 && chiSquare && !failure && this.isTabular) this.note(chiSquareText(chiSquare))
    for (const { key, reason } of skipped) this.annotate('warning', key, reason)
    if (origin.configError)
      this.annotate('warning', `service config of ${snapshot.service}`, origin.configError.message)
    return failure ? this.tellFailure(failure) : 0
  }

  /** What to pick from, and for --explain what is left of the leases, by address. */
  async #subject(): Promise<{ snapshot: Snapshot; times: ReadonlyMap<string, LeaseInfo> }> {
    const { service } = this.args
    const list = this.flags.static
    if ((service === undefined) === (list === undefined)) {
      throw new FairleadError('INVALID_ARGUMENT', 'give a service or --static, one of them', {
        hint: 'for example: fairlead pick web, or fairlead pick --static 10.0.0.5:80,10.0.0.6:80',
      })
    }
    if (list !== undefined) {
      const endpoints = parseStaticEndpoints(list)
      return { snapshot: { service: list, revision: 0n, endpoints, skipped: [] }, times: new Map() }
    }
    const store = await this.store()
    const call = { signal: this.signal }
    const reading = await readService(store, this.prefix, service!, call)
    const unknown = unknownService(reading)
    if (unknown) throw unknown
    const leases = this.flags.explain ? await readLeaseTimes(store, reading.records, call) : undefined
    const times = reading.records.flatMap(({ endpoint, lease }) => {
      const time = leases?.get(lease)
      return time ? [[endpoint.address, time] as const] : []
    })
    return { snapshot: snapshotOf(reading), times: new Map(times) }
  }
}

function chiSquareText(test: ChiSquare): string {
  const { statistic, degreesOfFreedom, pValue } = test
  const degrees = `${degreesOfFreedom} ${degreesOfFreedom === 1 ? 'degree' : 'degrees'} of freedom`
  const p = pValue < 0.0001 ? 'p < 0.0001' : `p = ${pValue.toFixed(4)}`
  return `chi-square ${statistic.toFixed(2)}, ${degrees}, ${p}: ${explainChiSquare(test)}`
}
