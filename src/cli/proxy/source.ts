import { givenValues } from '../given-values.js'
import type { Settings } from '../settings.js'
import { proxyConfiguration, type ProxyConfiguration } from './configuration.js'
import { proxyFlags, type ProxyValues } from './flags.js'
import { readProxySection } from './section.js'

/** Where the configuration of a proxy comes from: the command line, over the `proxy` section of the config file. */
export class ConfigurationSource {
  readonly #targets: readonly string[]
  readonly #given: ProxyValues
  readonly #settings: Pick<Settings, 'configPath' | 'sections'>

  /** Of `LISTEN=TARGET…`, the parsed flags and the settings of a command line. */
  constructor(
    targets: readonly string[],
    flags: Readonly<Record<string, unknown>>,
    settings: Pick<Settings, 'configPath' | 'sections'>,
  ) {
    this.#targets = targets
    this.#given = givenValues(Object.keys(proxyFlags), flags)
    this.#settings = settings
  }

  /** By the file as it was when the command started. Throws INVALID_ARGUMENT. */
  first(): ProxyConfiguration {
    return this.#over(this.#settings.sections.get('proxy'))
  }

  /** By the file as it is now; stdin is as it was. Rejects with INVALID_ARGUMENT. */
  async again(): Promise<ProxyConfiguration> {
    const { configPath } = this.#settings
    if (configPath === undefined || configPath === '-') return this.first()
    const { readConfigFile } = await import('../config-file.js')
    return this.#over((await readConfigFile(configPath)).sections.get('proxy'))
  }

  #over(section: unknown): ProxyConfiguration {
    const { listen, values } = readProxySection(section)
    return proxyConfiguration(this.#targets.length > 0 ? this.#targets : listen, { ...values, ...this.#given })
  }
}
