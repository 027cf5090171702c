import { Config, run } from '@oclif/core'
import { FairleadError } from '../core/errors.js'
import { chalkFor } from './output/color.js'
import { flushed } from './output/printer.js'
import { commandError, errorJson, errorText, wantsJson } from './report-error.js'
import { suggestion } from './suggest.js'

const STANDS_ALONE = ['--help', '-h', '--version']

/** Runs one command line to its end and exits the process with its status, after all output is written. */
export async function main(argv: readonly string[], root: string): Promise<never> {
  try {
    const config = await Config.load({ root })
    const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv]
    refuseUnknownCommand(config, words)
    await run(words, config)
  } catch (thrown) {
    const error = commandError(thrown)
    process.exitCode = error.exitCode
    process.stderr.write(errorText(error, chalkFor(process.stderr, argv.includes('--no-color'), process.env)))
    if (wantsJson(argv, process.env)) process.stdout.write(errorJson(error))
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit()
}

/** Throws INVALID_ARGUMENT for what oclif would only call a command that was not found. */
function refuseUnknownCommand(config: Config, argv: readonly string[]): void {
  const [first, second] = argv
  if (first === undefined || STANDS_ALONE.includes(first)) return
  if (first.startsWith('-')) {
    throw new FairleadError('INVALID_ARGUMENT', `${first} stands before the command`, {
      hint: 'name the command first, its flags after it',
    })
  }
  if (config.findCommand(first)?.hidden === true) return
  const ids = config.commands.filter(({ hidden }) => hidden !== true).map(({ id }) => id.split(':'))
  refuseUnknownWord([], first, [...new Set(ids.map((id) => id[0]!))])
  const children = ids.filter((id) => id[0] === first && id.length > 1).map((id) => id[1]!)
  if (second === undefined || second.startsWith('-')) return
  if (children.length > 0) refuseUnknownWord([first], second, children)
  else if (Object.keys(config.findCommand(first)?.args ?? {}).length === 0) {
    throw new FairleadError('INVALID_ARGUMENT', `unexpected argument: ${second}`, { hint: 'see --help' })
  }
}

function refuseUnknownWord(before: readonly string[], word: string, known: readonly string[]): void {
  if (known.includes(word)) return
  throw new FairleadError('INVALID_ARGUMENT', `unknown command ${JSON.stringify([...before, word].join(' '))}`, {
    hint: suggestion(word, known) ?? `${['fairlead', ...before, '--help'].join(' ')} lists the commands`,
  })
}
