import { type Command, CommandHelp, Help } from '@oclif/core'
import { EXIT_STATUSES, WRAPPED_STATUSES } from './exit-statuses.js'

/** The page of one command: what it is for first, the flags of every command last, exit codes at the end. */
class CommandPage extends CommandHelp {
  protected override sections() {
    const [usage, args, flags, description, aliases, examples, flagDescriptions] = super.sections()
    const exitCodes = { header: 'EXIT CODES', generate: () => [{ header: 'EXIT CODES', body: this.#exitCodes() }] }
    return [usage!, description!, args!, examples!, aliases!, flags!, flagDescriptions!, exitCodes]
  }

  protected override groupFlags(flags: Command.Flag.Any[]) {
    const { flagGroups, mainFlags } = super.groupFlags(flags)
    const { REGISTRY, OUTPUT, ...own } = flagGroups
    return { mainFlags, flagGroups: { ...own, ...(REGISTRY && { REGISTRY }), ...(OUTPUT && { OUTPUT }) } }
  }

  /** A label of a flag's own is the whole of it: `--sticky[=COOKIE]`. */
  protected override flagHelpLabel(flag: Command.Flag.Any, showOptions?: boolean): string {
    return flag.helpLabel ?? super.flagHelpLabel(flag, showOptions)
  }

  /** The paragraphs of the source, each refilled to the width of the terminal; the summary stands above already. */
  protected override description(): string | undefined {
    const { description } = this.command
    return description && this.wrap(description.replace(/(?<!\n)\n(?!\n)/g, ' '))
  }

  protected override defaultUsage(): string {
    const args = Object.values(this.command.args ?? {}).filter((arg) => !arg.hidden)
    const required = Object.values(this.command.flags ?? {}).filter((flag) => flag.required === true)
    return [
      this.command.id,
      ...args.map((arg) => this.arg(arg) + (arg.multiple === true ? '…' : '')),
      ...required.map(({ name, ...flag }) => `--${name} ${'helpValue' in flag ? String(flag.helpValue) : 'VALUE'}`),
      '[FLAGS]',
      ...(this.#wraps ? ['[-- COMMAND ARGS…]'] : []),
    ].join(' ')
  }

  get #wraps(): boolean {
    return (this.command as { takesChildCommand?: boolean }).takesChildCommand === true
  }

  #exitCodes(): [string, string][] {
    return [...EXIT_STATUSES, ...(this.#wraps ? WRAPPED_STATUSES : [])].map(([code, meaning]) => [code, meaning])
  }
}

/** oclif's help with pages of our own. Named by `oclif.helpClass` in package.json. */
export default class FairleadHelp extends Help {
  protected override CommandHelpClass = CommandPage
}
