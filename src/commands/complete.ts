import { Args, type Config } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { commonFlags } from '../cli/common-flags.js'
import { type CompletionFlag, completionModel } from '../cli/completion/model.js'
import { readUnfinishedLine } from '../cli/completion/line.js'
import { listServiceNames } from '../core/discovery/list-services.js'
import { tryParseAddress } from '../core/model/address.js'
import { isServiceName } from '../core/model/service.js'
import { listRecords } from '../core/registry/find-record.js'
import { KeyLayout } from '../core/registry/keys.js'

/** Who presses a key does not want to wait. */
const OWN_FLAGS = ['-o', 'plain', '--dial-timeout', '1s', '--command-timeout', '1s']

/** The flags of a line that say which registry is meant. */
const REGISTRY_FLAGS = Object.entries(commonFlags)
  .filter(([name, { helpGroup }]) => helpGroup === 'REGISTRY' && !name.endsWith('-timeout'))
  .map(([name]) => `--${name}`)

/** What completion scripts ask: `complete KIND -- LINE…`, LINE being the words after the program up to the cursor. */
export default class Complete extends BaseCommand<typeof Complete> {
  static override hidden = true
  static override summary = 'Print what can stand next on a command line, for completion scripts'
  static override examples = ['<%= config.bin %> complete services -- resolve --prefix /dev']
  static override args = {
    kind: Args.string({ required: true, options: ['services', 'addresses'], description: 'what to list' }),
  }

  readonly #line: readonly string[]

  constructor(argv: string[], config: Config) {
    const separator = argv.indexOf('--')
    const flags = completionModel(config).commands.flatMap((command) => command.flags)
    const { registry, words } = readUnfinishedLine(separator < 0 ? [] : argv.slice(separator + 1), {
      takesValue: (flag) => flags.some((each) => isCalled(each, flag) && each.values !== undefined),
      isRegistry: (flag) => REGISTRY_FLAGS.includes(flag),
    })
    super([...argv.slice(0, separator < 0 ? argv.length : separator), ...OWN_FLAGS, ...registry], config)
    this.#line = words
  }

  async run() {
    const found = await (this.args.kind === 'services' ? this.#services() : this.#addresses())
    await this.print({ json: { [this.args.kind]: found }, plain: found })
  }

  async #services(): Promise<readonly string[]> {
    return listServiceNames(await this.store(), this.prefix, { signal: this.signal })
  }

  /** Those of the service that the line names: the first argument of its command. */
  async #addresses(): Promise<readonly string[]> {
    const service = this.#line[1]
    if (service === undefined || !isServiceName(service)) return []
    const places = await listRecords(await this.store(), new KeyLayout(this.prefix), service, { signal: this.signal })
    return places.map(({ address }) => address).filter((address) => typeof tryParseAddress(address) !== 'string')
  }
}

function isCalled({ name, char }: CompletionFlag, flag: string): boolean {
  return flag === `--${name}` || flag === `-${char}`
}
