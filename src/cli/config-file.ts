import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import { FairleadError } from '../core/errors.js'
import { readStdin } from './stdin.js'
import { suggestion } from './suggest.js'

/** Every setting a config file may have: the long names of the common flags. */
const CONFIG_KEYS: readonly string[] = [
  'endpoints',
  'cacert',
  'cert',
  'key',
  'user',
  'password-file',
  'insecure',
  'dial-timeout',
  'command-timeout',
  'prefix',
  'output',
  'no-color',
  'log-level',
  'log-format',
]

/** Parts of a config file that one command reads, by its name. */
const SECTIONS: readonly string[] = ['proxy']
const KEYS = [...CONFIG_KEYS, ...SECTIONS]

export type ConfigValues = Readonly<Partial<Record<string, string | boolean>>>

export interface ConfigFile {
  readonly values: ConfigValues
  /** What stands in the sections of commands, unread. */
  readonly sections: ReadonlyMap<string, unknown>
}

/**
 * Reads a YAML or JSON file (`-`: stdin) of settings. Throws INVALID_ARGUMENT naming the file and the line, or the key,
 * that is wrong.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const name = path === '-' ? 'stdin' : path
  const lineCounter = new LineCounter()
  const document = parseDocument(await readText(path, name), { lineCounter, prettyErrors: false })
  const problem = document.errors[0]
  if (problem) {
    const { line, col } = lineCounter.linePos(problem.pos[0])
    throw new FairleadError('INVALID_ARGUMENT', `config ${name}:${line}:${col}: ${problem.message}`, {
      hint: 'the file must be YAML or JSON',
    })
  }
  return contents(document.toJS(), name)
}

function contents(content: unknown, name: string): ConfigFile {
  if (content === null || content === undefined) return { values: {}, sections: new Map() }
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new FairleadError('INVALID_ARGUMENT', `config ${name} is not a mapping of keys to values`, {
      hint: 'for example: endpoints: [127.0.0.1:2379]',
    })
  }
  const values = new Map<string, string | boolean>()
  const sections = new Map<string, unknown>()
  for (const [key, value] of Object.entries(content)) {
    if (SECTIONS.includes(key)) {
      sections.set(key, value)
      continue
    }
    if (!CONFIG_KEYS.includes(key)) {
      throw new FairleadError('INVALID_ARGUMENT', `config ${name}: unknown key ${JSON.stringify(key)}`, {
        hint: suggestion(key, KEYS) ?? `known keys: ${KEYS.join(', ')}`,
      })
    }
    values.set(key, configValue(key, value, name))
  }
  return { values: Object.fromEntries(values), sections }
}

function configValue(key: string, value: unknown, name: string): string | boolean {
  const flag = key === 'insecure' || key === 'no-color'
  if (flag ? typeof value === 'boolean' : typeof value === 'string') return value as string | boolean
  if (!flag && typeof value === 'number') return String(value)
  if (key === 'endpoints' && Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return value.join(',')
  }
  throw new FairleadError('INVALID_ARGUMENT', `config ${name}: ${key} has a value of the wrong type`, {
    hint: flag ? 'write true or false' : key === 'endpoints' ? 'write a list of host:port' : 'write a string',
  })
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await (path === '-' ? readStdin() : readFile(path, 'utf8'))
  } catch (error) {
    throw new FairleadError('INVALID_ARGUMENT', `config ${name} cannot be read: ${(error as Error).message}`, {
      cause: error,
      hint: 'check the path given with --config or FAIRLEAD_CONFIG',
    })
  }
}
