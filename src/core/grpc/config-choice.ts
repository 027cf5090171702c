import type { ChannelOptions } from '@grpc/grpc-js'
import type { Logger } from '../runtime.js'
import { channelConfig, type ServiceConfig } from './channel-config.js'

/**
 * Which service config a channel goes by: the registry's, whole, else the channel's own default (the `grpc.service_config` option). One that
 * cannot be used is logged and passed over: the last of the registry that could be used stays, else the default holds, else none.
 */
export class ConfigChoice {
  readonly #service: string
  readonly #default: unknown
  readonly #log: Logger
  /** The last of the registry that could be used. */
  #last: unknown
  #refused = ''

  constructor(service: string, options: ChannelOptions, log: Logger) {
    const json = options['grpc.service_config']
    this.#service = service
    this.#default = json === undefined ? undefined : JSON.parse(json)
    this.#log = log
  }

  /** @param said the registry's; undefined where it has none */
  choose(said: unknown, lookaside: boolean): ServiceConfig {
    if (said === undefined) this.#last = undefined
    for (const raw of [said, this.#last, this.#default]) {
      if (raw === undefined) continue
      try {
        const config = channelConfig(raw, lookaside)
        if (raw === said) this.#last = said
        return config
      } catch (error) {
        this.#refuse((error as Error).message)
      }
    }
    return channelConfig(undefined, lookaside)
  }

  /** Once for each message: the same config comes with every snapshot. */
  #refuse(error: string): void {
    if (error === this.#refused) return
    this.#refused = error
    this.#log.warn('a service config cannot be used; another one holds', { service: this.#service, error })
  }
}
