import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { pickDocument } from '../cli/output/pick-document.js'
import { POLICY_NAMES } from '../core/balancer/policies/index.js'
import { previewPicks } from '../core/balancer/preview.js'
import { choosePolicy } from '../core/balancer/service-config.js'
import { readService, snapshotOf, unknownService } from '../core/discovery/read-service.js'
import { parseStaticEndpoints } from '../core/discovery/static-resolver.js'
import { FairleadError } from '../core/errors.js'
import type { Snapshot } from '../core/model/snapshot.js'

const MAX_PICKS = 1_000_000

export default class Pick extends BaseCommand<typeof Pick> {
  static override summary = 'Show which endpoints a policy would pick'
  static override description = `Makes one pick, or -n of them, as a proxy would, without sending anything. Requests of one run stay in flight until its
end, so that policies that go by load show how they spread it. One pick alone begins at a random position of the policy;
-n above 1 or --seed begins at the first. Without --hash-key each of several picks has a key of its own.`
  static override examples = [
    '<%= config.bin %> pick web',
    '<%= config.bin %> pick web -n 1000 --policy least_request --seed 1',
    '<%= config.bin %> pick --static 10.0.0.5:80@3,10.0.0.6:80 -n 8 -o plain',
    '<%= config.bin %> pick web --policy maglev --hash-key user-42 --explain',
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
    'explain': Flags.boolean({ description: 'tell for each endpoint why it is in or out' }),
  }

  async run() {
    const { flags } = this
    const policy = flags.policy === undefined ? undefined : choosePolicy(flags.policy)
    const snapshot = await this.#snapshot()
    const { 'count': picks, 'hash-key': key, seed } = flags
    const preview = previewPicks(snapshot, { policy, picks, key, seed }, this.runtime)
    const { failure } = preview
    if (failure && !flags.explain) throw failure
    await this.print(pickDocument(snapshot.service, preview, { explain: flags.explain }))
    if (failure) this.note(failure.hint === undefined ? failure.message : `${failure.message} (${failure.hint})`)
    return failure?.exitCode ?? 0
  }

  async #snapshot(): Promise<Snapshot> {
    const { service } = this.args
    const list = this.flags.static
    if ((service === undefined) === (list === undefined)) {
      throw new FairleadError('INVALID_ARGUMENT', 'give a service or --static, one of them', {
        hint: 'for example: fairlead pick web, or fairlead pick --static 10.0.0.5:80,10.0.0.6:80',
      })
    }
    if (list !== undefined) {
      return { service: list, revision: 0n, endpoints: parseStaticEndpoints(list), skipped: [] }
    }
    const reading = await readService(await this.store(), this.prefix, service!, { signal: this.signal })
    const unknown = unknownService(reading)
    if (unknown) throw unknown
    return snapshotOf(reading)
  }
}
