import type { Proxy } from '../proxy/proxy.js'
import { type ProxyServiceOptions, proxyOptions } from './proxy-options.js'

/** A running proxy of a program. */
export interface ServiceProxy extends Omit<Proxy, 'reload' | 'read'> {
  /**
   * Goes by other options without dropping a connection; where they say another address or service, what is under way has
   * `drainTimeoutMs`. `onEvent` stays the first one.
   *
   * @throws FairleadError INVALID_ARGUMENT, ADDRESS_IN_USE; everything is as it was then
   */
  reload(options: ProxyServiceOptions, drainTimeoutMs: number): Promise<void>
}

export function serviceProxy(proxy: Proxy): ServiceProxy {
  return {
    get listening() {
      return proxy.listening
    },
    stats: () => proxy.stats(),
    reload: async (options, drainTimeoutMs) => proxy.reload(proxyOptions(options), drainTimeoutMs),
    drain: (timeoutMs) => proxy.drain(timeoutMs),
    close: () => proxy.close(),
    [Symbol.asyncDispose]: () => proxy.close(),
  }
}
