import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { bashScript } from '../cli/completion/bash.js'
import { fishScript } from '../cli/completion/fish.js'
import { completionModel } from '../cli/completion/model.js'
import { zshScript } from '../cli/completion/zsh.js'

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print a script that completes command lines in a shell'
  static override description = `Completes commands, flags and their values, and asks the registry for services and addresses: the one that the line
names (--endpoints, --prefix, …), else that of the environment. A registry that does not answer within a second is left out.

The script does not change with the registry. Load it in the start file of the shell (~/.bashrc, ~/.zshrc after compinit,
~/.config/fish/config.fish), or put it where the shell looks for completions, and again after an upgrade.`
  static override examples = [
    'bash\nsource <(<%= config.bin %> completion bash)',
    'zsh\nsource <(<%= config.bin %> completion zsh)',
    'fish\n<%= config.bin %> completion fish | source',
    'For good\n<%= config.bin %> completion fish > ~/.config/fish/completions/fairlead.fish',
  ]
  static override args = {
    shell: Args.string({ required: true, options: Object.keys(SHELLS), description: 'the shell to write for' }),
  }

  async run() {
    const shell = this.args.shell as keyof typeof SHELLS
    const script = SHELLS[shell](completionModel(this.config))
    await this.print({ json: { shell, script }, text: script.trimEnd() })
  }
}
