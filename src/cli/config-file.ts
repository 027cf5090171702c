import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import { FairleadError } from '../core/errors.js'
import { readStdin } from './stdin.js'
import { suggestion } from './suggest.js'

/** Every key a config file may have: the long names of the common flags. */
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
]

export type ConfigValues = Readonly<Partial<Record<string, string | boolean>>>

/**
 * Reads a YAML or JSON file (`-`: stdin) of settings. Throws INVALID_ARGUMENT naming the file and the line, or the key,
 * that is wrong.
 */
export async function readConfigFile(path: string): Promise<ConfigValues> {
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
  return configValues(document.toJS(), name)
}

function configValues(content: unknown, name: string): ConfigValues {
  if (content === null || content === undefined) return {}
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new FairleadError('INVALID_ARGUMENT', `config ${name} is not a mapping of keys to values`, {
      hint: 'for example: endpoints: [127.0.0.1:2379]',
    })
  }
  const values = new Map<string, string | boolean>()
  for (const [key, value] of Object.entries(content)) {
    if (!CONFIG_KEYS.includes(key)) {
      throw new FairleadError('INVALID_ARGUMENT', `config ${name}: unknown key ${JSON.stringify(key)}`, {
        hint: suggestion(key, CONFIG_KEYS) ?? `known keys: ${CONFIG_KEYS.join(', ')}`,
      })
    }
    values.set(key, configValue(key, value, name))
  }
  return Object.fromEntries(values)
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
