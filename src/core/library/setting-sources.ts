import { FairleadError } from '../errors.js'
import { parseDuration } from './duration.js'

export type Env = Readonly<Record<string, string | undefined>>

/** Where a value was found, strongest first. */
export const LAYERS = ['flag', 'FAIRLEAD', 'ETCDCTL', 'file'] as const

export interface Found {
  readonly value: string | boolean
  readonly layer: (typeof LAYERS)[number]
  /** For messages: `--prefix`, `FAIRLEAD_PREFIX`, … */
  readonly source: string
}

/** What is also looked up as ETCDCTL_*. */
export const ETCDCTL_HAS: ReadonlySet<string> = new Set([
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

/**
 * Where the value of a setting can come from, strongest first: flags, the environment, a config file. Empty environment variables count
 * as unset. Throws INVALID_ARGUMENT naming the source of a value that is wrong.
 */
export class SettingSources {
  constructor(
    private readonly flags: Readonly<Record<string, unknown>>,
    readonly env: Env,
    private readonly file: Readonly<Record<string, string | boolean | undefined>>,
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
      const value = nonEmpty(this.env[`${layer}_${suffix}`])
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
    throw badSetting(found, 'write true or false')
  }

  duration(name: string, fallback: string): number {
    const found = this.find(name)
    if (found === undefined) return parseDuration(fallback)
    const ms = parseDuration(String(found.value), found.source)
    if (ms === 0) throw badSetting(found, 'a time-out must be longer than 0')
    return ms
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const found = this.find(name)
    if (found === undefined) return fallback
    const value = values.find((candidate) => candidate === found.value)
    if (value === undefined) throw badSetting(found, `use one of ${values.join(', ')}`)
    return value
  }
}

export function badSetting(found: Found, hint: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `bad ${found.source} ${JSON.stringify(found.value)}`, { hint })
}

export function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
