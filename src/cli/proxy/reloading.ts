import { isDeepStrictEqual } from 'node:util'
import { asFairleadError } from '../../core/errors.js'
import type { ProxyEvent } from '../../core/proxy/events.js'
import type { ListenerReading } from '../../core/proxy/reading.js'
import type { ProxyConfiguration } from './configuration.js'
import type { ConfigurationSource } from './source.js'

/** A proxy of one process or of several, as the command sees it. */
export interface RunningProxy {
  /** Where it listens, with real ports. */
  readonly listening: readonly string[]
  /** How listeners and endpoints are, those of all processes together. */
  read(): Promise<readonly ListenerReading[]>
  /** Goes by another configuration. Rejects where it cannot, with everything as it was. */
  reload(configuration: ProxyConfiguration): Promise<void>
  /** Accepts nothing more and lets what is under way finish, for at most `timeoutMs`. Resolves when everything is over. */
  drain(timeoutMs: number): Promise<void>
}

/** What cannot change while the process runs. */
const FIXED = [
  ['workers', '--workers'],
  ['snapshotFile', '--snapshot'],
  ['admin', 'the admin endpoint'],
] as const

const FIXED_FLAGS = ['workers', 'snapshot', 'admin', 'admin-token-file', 'no-admin']

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
    const fixed = FIXED.filter(([key]) => !isDeepStrictEqual(next[key], current[key])).map(([, flag]) => flag)
    tell({
      event: 'reloaded',
      listeners: next.options.listeners.length,
      ...(fixed.length > 0 && { unchanged: fixed }),
    })
    const { workers, snapshotFile, admin } = current
    return { ...next, workers, snapshotFile, admin, given: givenInEffect(next.given, current.given) }
  } catch (error) {
    const { message, hint } = asFairleadError(error)
    tell({ event: 'reload_failed', reason: hint === undefined ? message : `${message} (${hint})` })
    return current
  }
}

/** What was given anew, but for what cannot change. */
function givenInEffect(next: ProxyConfiguration['given'], current: ProxyConfiguration['given']) {
  const isFixed = ([flag]: [string, unknown]) => FIXED_FLAGS.includes(flag)
  const changed = Object.entries(next).filter((entry) => !isFixed(entry))
  return Object.fromEntries([...changed, ...Object.entries(current).filter(isFixed)])
}
