import { ProxyWorker } from '../../core/proxy/workers/worker.js'
import { systemClock, systemRandom } from '../../core/runtime.js'
import { LOG_LEVELS, type LogLevel, streamLogger } from '../log.js'

/**
 * The program of a worker process of `proxy --workers`, forked by node:cluster with the log level and the log format as its arguments. The
 * primary decides when it ends; signals that reach the whole group (Ctrl-C, a service manager's) are the primary's to act on.
 */
const level = LOG_LEVELS.find((name) => name === process.argv[2]) ?? ('warn' satisfies LogLevel)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

// Without the primary there is nobody to share the listeners.
process.on('disconnect', () => process.exit(1))

const log =
  process.argv[3] === 'json'
    ? (await import('../stderr-json.js')).jsonStderr(level).log
    : streamLogger(process.stderr, level)
const runtime = { clock: systemClock, random: systemRandom, log }
const worker = new ProxyWorker((message) => {
  if (process.connected) process.send!(message, undefined, undefined, () => undefined)
}, runtime)
process.on('message', (message) => worker.receive(message))
worker.ready()
