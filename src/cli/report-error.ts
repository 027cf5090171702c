import { Errors } from '@oclif/core'
import type { ChalkInstance } from 'chalk'
import { asFairleadError, FairleadError } from '../core/errors.js'
import { jsonText } from './output/json.js'
import { sanitize } from './sanitize.js'

/** Any error a command can end with, as a FairleadError: what oclif says about bad arguments is INVALID_ARGUMENT. */
export function commandError(error: unknown): FairleadError {
  if (error instanceof FairleadError || !(error instanceof Errors.CLIError)) return asFairleadError(error)
  const [first = '', ...rest] = error.message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const hint = rest.find((line) => line.startsWith('See more help')) ? 'see --help' : undefined
  const details = rest.filter((line) => !line.startsWith('See more help'))
  const message = [first.replace(/^Error: /, ''), ...details].join(' ').replace(/^./, (letter) => letter.toLowerCase())
  return new FairleadError('INVALID_ARGUMENT', message, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** `error: …` and `hint: …`, for stderr. */
export function errorText(error: FairleadError, chalk: ChalkInstance): string {
  const lines = [`${chalk.red('error:')} ${sanitize(error.message)}`]
  if (error.hint !== undefined) lines.push(`${chalk.cyan('hint:')} ${sanitize(error.hint)}`)
  return `${lines.join('\n')}\n`
}

/** The error object of the JSON contract, one line. */
export function errorJson(error: FairleadError): string {
  const { code, message, hint, exitCode } = error
  return `${jsonText({ error: { code, message, hint, exit: exitCode } })}\n`
}

/** Whether JSON was asked for, from words that could not be parsed. */
export function wantsJson(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  if (words.includes('--json')) return true
  const text = ` ${words.join(' ')} `
  const output = / (?:-o[= ]?|--output[= ])(\S+)/.exec(text)?.[1] ?? env.FAIRLEAD_OUTPUT
  return output === 'json' || output === 'ndjson'
}
