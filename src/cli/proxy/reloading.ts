import { asFairleadError } from '../../core/errors.js'
import type { ProxyEvent } from '../../core/proxy/events.js'
import type { ProxyConfiguration } from './configuration.js'
import type { ConfigurationSource } from './source.js'

/** A proxy of one process or of several, as the command sees it. */
export interface RunningProxy {
  /** Goes by another configuration. Rejects where it cannot, with everything as it was. */
  reload(configuration: ProxyConfiguration): Promise<void>
  /** Accepts nothing more and lets what is under way finish, for at most `timeoutMs`. Resolves when everything is over. */
  drain(timeoutMs: number): Promise<void>
}

/** What cannot change while the process runs. */
const FIXED = [
  ['workers', '--workers'],
  ['snapshotFile', '--snapshot'],
] as const

/** Reads the configuration again and lets the proxy go by it. Tells how that went. Returns what counts from now on. */
export async function rereadConfiguration(
  source: ConfigurationSource,
  proxy: RunningProxy,
  current: ProxyConfiguration,
  tell: (event: ProxyEvent) => void,
): Promise<ProxyConfiguration> {
  try {
    const next = await source.again()
    await proxy.reload(next)
    const fixed = FIXED.filter(([key]) => next[key] !== current[key]).map(([, flag]) => flag)
    tell({
      event: 'reloaded',
      listeners: next.options.listeners.length,
      ...(fixed.length > 0 && { unchanged: fixed }),
    })
    return { ...next, workers: current.workers, snapshotFile: current.snapshotFile }
  } catch (error) {
    const { message, hint } = asFairleadError(error)
    tell({ event: 'reload_failed', reason: hint === undefined ? message : `${message} (${hint})` })
    return current
  }
}
