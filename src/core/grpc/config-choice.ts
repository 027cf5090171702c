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
    this.#service = service
    this.#log = log
    const json = options['grpc.service_config']
    this.#default = json ? this.#usable(JSON.parse(json)) : undefined
  }

  /** @param said the registry's; undefined where it has none */
  choose(said: unknown, lookaside: boolean): ServiceConfig {
    if (said === undefined) this.#last = undefined
    else if (said !== this.#last) this.#last = this.#usable(said) ?? this.#last
    return channelConfig(this.#last ?? this.#default, lookaside)
  }

  /** The same, or undefined where it cannot be used. Tells of that once for each message: the same config comes with every snapshot. */
  #usable(raw: unknown): unknown {
    try {
      channelConfig(raw, false)
      return raw
    } catch (cause) {
      const error = (cause as Error).message
      if (error !== this.#refused) {
        this.#log.warn('a service config cannot be used; another one holds', { service: this.#service, error })
      }
      this.#refused = error
      return undefined
    }
  }
}
