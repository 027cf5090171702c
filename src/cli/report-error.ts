import { Errors } from '@oclif/core'
import type { ChalkInstance } from 'chalk'
import { asFairleadError, FairleadError } from '../core/errors.js'
import { jsonText } from './output/json.js'
import { sanitize } from './sanitize.js'
import { suggestion } from './suggest.js'

/** What oclif's parser tells of its errors, besides their message. */
interface ParserError extends Errors.CLIError {
  readonly flags?: readonly string[]
  readonly args?: readonly (string | { readonly name: string })[]
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, unknown>> } }
}

/** Any error a command can end with, as a FairleadError: what oclif says about bad arguments is INVALID_ARGUMENT. */
export function commandError(error: unknown): FairleadError {
  if (error instanceof FairleadError || !(error instanceof Errors.CLIError)) return asFairleadError(error)
  const { message, hint = 'see --help' } = described(error as ParserError)
  return new FairleadError('INVALID_ARGUMENT', message, { cause: error, hint })
}

function described({ message, flags, args, parse }: ParserError): { message: string; hint?: string | undefined } {
  if (flags?.[0] !== undefined) {
    const known = Object.keys(parse?.input?.flags ?? {}).map((name) => `--${name}`)
    return { message: `unknown flag: ${flags.join(', ')}`, hint: suggestion(flags[0], known) }
  }
  const missing = args?.flatMap((arg) => (typeof arg === 'string' ? [] : [arg.name.toUpperCase()])) ?? []
  if (missing.length > 0) return { message: `missing argument: ${missing.join(' ')}` }
  const lines = message.split('\n').map((line) => line.trim())
  const told = lines.filter(
    (line) => line !== '' && !line.startsWith('See more help') && !line.startsWith('The following'),
  )
  const text = told
    .join('; ')
    .replace(/^(Error: |Parsing (?=--))/, '')
    .replaceAll(/(--\S+)=true/g, '$1')
    .replaceAll(/Missing required flag (\S+)/g, 'missing required flag --$1')
    .replace(/^(--\S+); Expected/, '$1: expected')
  return { message: text.replace(/^./, (letter) => letter.toLowerCase()) }
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
