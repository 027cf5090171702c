import { Config, run } from '@oclif/core'
import { FairleadError } from '../core/errors.js'
import { flushed } from './output/printer.js'
import { chalkFor } from './output/color.js'
import { commandError, errorJson, errorText, wantsJson } from './report-error.js'
import { suggestion } from './suggest.js'

/** Runs one command line to its end and exits the process with its status, after all output is written. */
export async function main(argv: readonly string[], root: string): Promise<never> {
  try {
    const config = await Config.load({ root })
    refuseUnknownCommand(config, argv)
    await run([...argv], config)
  } catch (thrown) {
    const error = commandError(thrown)
    process.exitCode = error.exitCode
    process.stderr.write(errorText(error, chalkFor(process.stderr, argv.includes('--no-color'), process.env)))
    if (wantsJson(argv, process.env)) process.stdout.write(errorJson(error))
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit()
}

function refuseUnknownCommand(config: Config, argv: readonly string[]): void {
  const [word] = argv
  if (word === undefined || word.startsWith('-') || word === 'help') return
  const known = [...config.commandIDs, ...config.topics.map(({ name }) => name)].map((id) => id.split(':')[0]!)
  if (known.includes(word)) return
  throw new FairleadError('INVALID_ARGUMENT', `unknown command ${JSON.stringify(word)}`, {
    hint: suggestion(word, known) ?? 'fairlead --help lists the commands',
  })
}
