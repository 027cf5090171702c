import { type RegistrySettings, registrySettings } from '../core/library/registry-settings.js'
import { type Env, nonEmpty, SettingSources } from '../core/library/setting-sources.js'
import type { ConfigFile } from './config-file.js'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log.js'
import { OUTPUT_FORMATS, type OutputFormat } from './output/document.js'

type FlagValues = Readonly<Record<string, unknown>>

/** The common flags after flag, FAIRLEAD_*, ETCDCTL_*, config file and default were weighed up. */
export interface Settings extends RegistrySettings {
  readonly output: OutputFormat
  readonly noColor: boolean
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  /** Where the config file is; `-` is stdin. Undefined without one. */
  readonly configPath: string | undefined
  /** The parts of the config file that are for one command. */
  readonly sections: ConfigFile['sections']
}

/** Throws INVALID_ARGUMENT naming the source of the value that is wrong. */
export async function resolveSettings(flags: FlagValues, env: Env): Promise<Settings> {
  const path = nonEmpty(flags.config) ?? nonEmpty(env.FAIRLEAD_CONFIG)
  const file = path === undefined ? undefined : await configFile(path)
  const sources = new SettingSources(flags, env, file?.values ?? {})
  return {
    ...registrySettings(sources),
    output: flags.json === true ? 'json' : sources.oneOf('output', OUTPUT_FORMATS, 'table'),
    noColor: sources.boolean('no-color'),
    logLevel: sources.oneOf('log-level', LOG_LEVELS, 'warn'),
    logFormat: sources.oneOf('log-format', LOG_FORMATS, 'text'),
    configPath: path,
    sections: file?.sections ?? new Map(),
  }
}

/** Most command lines have no config file: the YAML parser is loaded only for one. */
async function configFile(path: string): Promise<ConfigFile> {
  const { readConfigFile } = await import('./config-file.js')
  return readConfigFile(path)
}
