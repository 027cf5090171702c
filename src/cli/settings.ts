import { readFileSync } from 'node:fs'
import { FairleadError } from '../core/errors.js'
import { KeyLayout } from '../core/registry/keys.js'
import type { ConfigFile, ConfigValues } from './config-file.js'
import { parseDuration } from './duration.js'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log.js'
import { OUTPUT_FORMATS, type OutputFormat } from './output/document.js'

type Env = Readonly<Record<string, string | undefined>>
type FlagValues = Readonly<Record<string, unknown>>

/** The common flags after flag, FAIRLEAD_*, ETCDCTL_*, config file and default were weighed up. */
export interface Settings {
  readonly endpoints: readonly string[]
  readonly cacert: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly user: string | undefined
  readonly insecure: boolean
  readonly dialTimeoutMs: number
  readonly commandTimeoutMs: number
  readonly prefix: string
  readonly output: OutputFormat
  readonly noColor: boolean
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  /** Where the config file is; `-` is stdin. Undefined without one. */
  readonly configPath: string | undefined
  /** The parts of the config file that are for one command. */
  readonly sections: ConfigFile['sections']
  /** Looked up when asked for: reads the password file. Throws INVALID_ARGUMENT. */
  password(): string | undefined
}

/** Throws INVALID_ARGUMENT naming the source of the value that is wrong. */
export async function resolveSettings(flags: FlagValues, env: Env): Promise<Settings> {
  const path = text(flags.config) ?? text(env.FAIRLEAD_CONFIG)
  const file = path === undefined ? undefined : await configFile(path)
  const sources = new Sources(flags, env, file?.values ?? {})
  const [user, password] = credentials(sources)
  return {
    endpoints: sources.endpoints(),
    cacert: sources.text('cacert'),
    cert: sources.text('cert'),
    key: sources.text('key'),
    user,
    insecure: sources.boolean('insecure'),
    dialTimeoutMs: sources.duration('dial-timeout', '2s'),
    commandTimeoutMs: sources.duration('command-timeout', '5s'),
    prefix: new KeyLayout(sources.text('prefix')).prefix,
    output: flags.json === true ? 'json' : sources.oneOf('output', OUTPUT_FORMATS, 'table'),
    noColor: sources.boolean('no-color'),
    logLevel: sources.oneOf('log-level', LOG_LEVELS, 'warn'),
    logFormat: sources.oneOf('log-format', LOG_FORMATS, 'text'),
    configPath: path,
    sections: file?.sections ?? new Map(),
    password,
  }
}

/** Most command lines have no config file: the YAML parser is loaded only for one. */
async function configFile(path: string): Promise<ConfigFile> {
  const { readConfigFile } = await import('./config-file.js')
  return readConfigFile(path)
}

/** Where a value was found, strongest first. */
const LAYERS = ['flag', 'FAIRLEAD', 'ETCDCTL', 'file'] as const

interface Found {
  readonly value: string | boolean
  readonly layer: (typeof LAYERS)[number]
  /** For messages: `--prefix`, `FAIRLEAD_PREFIX`, … */
  readonly source: string
}

/** Where the value of a setting can come from, strongest first. Empty environment variables count as unset. */
class Sources {
  constructor(
    private readonly flags: FlagValues,
    readonly env: Env,
    private readonly file: ConfigValues,
  ) {}

  find(name: string): Found | undefined {
    const flag = this.flags[name]
    if (typeof flag === 'string' || flag === true) return { value: flag, layer: 'flag', source: `--${name}` }
    const found = this.variable(name)
    if (found !== undefined) return found
    const value = this.file[name]
    return value === undefined ? undefined : { value, layer: 'file', source: `${name} in the config file` }
  }

  /** The environment alone. */
  variable(name: string): Found | undefined {
    const suffix = name.toUpperCase().replaceAll('-', '_')
    for (const layer of ETCDCTL_HAS.has(name) ? (['FAIRLEAD', 'ETCDCTL'] as const) : (['FAIRLEAD'] as const)) {
      const value = text(this.env[`${layer}_${suffix}`])
      if (value !== undefined) return { value, layer, source: `${layer}_${suffix}` }
    }
    return undefined
  }

  text(name: string): string | undefined {
    const found = this.find(name)
    return found === undefined ? undefined : String(found.value)
  }

  boolean(name: string): boolean {
    const found = this.find(name)
    if (found === undefined) return false
    if (typeof found.value === 'boolean') return found.value
    if (/^(1|true|yes|on)$/i.test(found.value)) return true
    if (/^(0|false|no|off)$/i.test(found.value)) return false
    throw bad(found, 'write true or false')
  }

  duration(name: string, fallback: string): number {
    const found = this.find(name)
    if (found === undefined) return parseDuration(fallback)
    const ms = parseDuration(String(found.value), found.source)
    if (ms === 0) throw bad(found, 'a time-out must be longer than 0')
    return ms
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const found = this.find(name)
    if (found === undefined) return fallback
    const value = values.find((candidate) => candidate === found.value)
    if (value === undefined) throw bad(found, `use one of ${values.join(', ')}`)
    return value
  }

  endpoints(): string[] {
    const found = this.find('endpoints')
    if (found === undefined) return ['127.0.0.1:2379']
    const endpoints = String(found.value)
      .split(',')
      .map((endpoint) => endpoint.trim())
      .filter((endpoint) => endpoint !== '')
    if (endpoints.length === 0) throw bad(found, 'name at least one host:port')
    return endpoints
  }
}

/** The user, and its password from the strongest source: a user of the environment or the file may be `user:password`. */
function credentials(sources: Sources): [user: string | undefined, password: () => string | undefined] {
  const found = sources.find('user')
  const given = found === undefined ? undefined : String(found.value)
  const colon = given?.indexOf(':') ?? -1
  if (given === undefined || colon < 0) return [given, () => storedPassword(sources)]
  if (found!.source === '--user') {
    throw new FairleadError('INVALID_ARGUMENT', '--user must not carry a password: every user can read arguments', {
      hint: 'use --password-file FILE, or FAIRLEAD_PASSWORD in the environment',
    })
  }
  const inline: Found = { ...found!, value: given.slice(colon + 1) }
  return [given.slice(0, colon), () => storedPassword(sources, inline)]
}

function storedPassword(sources: Sources, inline?: Found): string | undefined {
  const file = sources.find('password-file')
  const variable = sources.variable('password')
  for (const layer of LAYERS) {
    if (file?.layer === layer) return passwordIn(String(file.value))
    if (variable?.layer === layer) return String(variable.value)
    if (inline?.layer === layer) return String(inline.value)
  }
  return undefined
}

function passwordIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new FairleadError('INVALID_ARGUMENT', `password file cannot be read: ${(error as Error).message}`, {
      cause: error,
      hint: 'check the path and its permissions',
    })
  }
}

/** What is also looked up as ETCDCTL_*. */
const ETCDCTL_HAS = new Set([
  'endpoints',
  'cacert',
  'cert',
  'key',
  'user',
  'password',
  'password-file',
  'dial-timeout',
  'command-timeout',
])

function bad(found: Found, hint: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `bad ${found.source} ${JSON.stringify(found.value)}`, { hint })
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
