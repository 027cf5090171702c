import type { Command, Config } from '@oclif/core'
import { POLICY_NAMES } from '../../core/balancer/policies/index.js'
import { commonFlags } from '../common-flags.js'

/** What a shell has to know to complete command lines. */
export interface CompletionModel {
  readonly bin: string
  /** Sorted by words. */
  readonly commands: readonly CompletionCommand[]
  /** First words with commands of two words behind them. */
  readonly groups: readonly CompletionGroup[]
}

export interface CompletionGroup {
  readonly name: string
  readonly summary: string
  /** Whether the first word is a command by itself too. */
  readonly isCommand: boolean
  readonly children: readonly CompletionCommand[]
}

export interface CompletionCommand {
  /** `['config', 'get']`. */
  readonly words: readonly string[]
  readonly summary: string
  readonly args: readonly CompletionArg[]
  readonly flags: readonly CompletionFlag[]
}

export interface CompletionArg {
  readonly name: string
  readonly values: Values
  readonly repeats: boolean
}

export interface CompletionFlag {
  /** Without dashes. */
  readonly name: string
  readonly char: string | undefined
  readonly summary: string
  /** Undefined for a switch, and for a flag that takes its value only behind `=`. */
  readonly values: Values | undefined
  /** What stands for the value in the help. */
  readonly label: string
  readonly repeats: boolean
}

/**
 * What can stand at a place: one of some words, a file, a service, an address of the service named before, `LISTEN=SERVICE`, or a text that
 * nobody can guess. Words that end in `:`, `=` or `/` are beginnings.
 */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' | 'services' | 'addresses' | 'targets' | 'text' }

const CHECKS = ['tcp', 'http:/', 'grpc']
const TEXT: Values = { kind: 'text' }

/** By what stands for a flag's value in the help. */
const BY_LABEL: Readonly<Record<string, readonly string[]>> = {
  'POLICY': POLICY_NAMES,
  'CONDITION': ['endpoints=', 'healthy=', 'gone'],
  'WHAT': ['source_ip', 'path', 'header:', 'cookie:', 'query:'],
  'CHECK': CHECKS,
  'tcp|http:[STATUSES:]/PATH|grpc[:SERVICE]': CHECKS,
}

/** Reads oclif's manifest, which is loaded anyway: no command is. Hidden commands and flags are left out. */
export function completionModel(config: Config): CompletionModel {
  const commands = config.commands
    .filter(({ hidden }) => hidden !== true)
    .map(commandModel)
    .sort((a, b) => (a.words.join(' ') < b.words.join(' ') ? -1 : 1))
  const names = new Set(commands.flatMap(({ words: [first, second] }) => (second === undefined ? [] : [first!])))
  const groups = [...names].map((name): CompletionGroup => {
    const own = commands.find(({ words }) => words.length === 1 && words[0] === name)
    return {
      name,
      summary: own?.summary ?? config.topics.find((topic) => topic.name === name)?.description ?? '',
      isCommand: own !== undefined,
      children: commands.filter(({ words }) => words.length > 1 && words[0] === name),
    }
  })
  return { bin: config.bin, commands, groups }
}

/** What can stand first, once each, in order. */
export function firstWords({
  commands,
  groups,
}: CompletionModel): { readonly name: string; readonly summary: string }[] {
  const single = commands
    .filter(({ words }) => words.length === 1)
    .map(({ words, summary }) => ({ name: words[0]!, summary }))
  const grouped = groups.filter(({ isCommand }) => !isCommand).map(({ name, summary }) => ({ name, summary }))
  return [...single, ...grouped].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function commandModel({ id, summary, args, flags }: Command.Loadable): CompletionCommand {
  return {
    words: id.split(':'),
    summary: shortened(summary ?? ''),
    args: Object.values(args).map((arg) => ({
      name: arg.name,
      values: argValues(id, arg),
      repeats: arg.multiple === true,
    })),
    flags: Object.values(flags)
      .filter(({ hidden }) => hidden !== true)
      .sort((a, b) => Number(isCommon(a)) - Number(isCommon(b)))
      .map(flagModel),
  }
}

/** What a command has of its own comes first. */
function isCommon({ name }: Command.Flag.Cached): boolean {
  return name in commonFlags
}

function argValues(id: string, { name, options }: Command.Arg.Cached): Values {
  if (options) return { kind: 'words', words: options }
  if (name === 'service') return { kind: 'services' }
  if (name === 'listen=target') return { kind: 'targets' }
  // What is registered comes from somewhere else.
  return name === 'address' && id !== 'register' ? { kind: 'addresses' } : TEXT
}

function flagModel(flag: Command.Flag.Cached): CompletionFlag {
  const { name, char, summary, description } = flag
  const label = flag.type === 'option' ? [flag.helpValue ?? 'value'].flat().join(' ') : ''
  return {
    name,
    char,
    summary: shortened(summary ?? description ?? ''),
    values: flag.type === 'option' && flag.helpLabel?.includes('[=') !== true ? flagValues(flag, label) : undefined,
    label,
    repeats: flag.type === 'option' && flag.multiple === true,
  }
}

function flagValues({ options }: Command.Flag.Cached & { readonly type: 'option' }, label: string): Values {
  const words = options ?? BY_LABEL[label]
  if (words) return { kind: 'words', words }
  return /^(FILE|DIR)\b/.test(label) ? { kind: 'files' } : TEXT
}

/** The first thing that a description says. */
function shortened(text: string): string {
  return text.split(/[;[\n]| \(|: /)[0]!.trim()
}
