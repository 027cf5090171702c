import { destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino'
import type { LogFields, Logger } from '../core/runtime.js'
import type { LogLevel, Stderr } from './log.js'
import { sanitizeJson } from './sanitize.js'

/**
 * stderr as JSON lines: `level` (a name), `time` (ISO 8601), `pid`, the fields of the message, `msg`. Notes are of level
 * `info`, failures of level `error` with `code`, `hint` and `exit`; both are written whatever the log level is. Loads pino.
 */
export function jsonStderr(level: LogLevel): Stderr {
  const stderr = destination({ fd: 2, sync: true })
  // Nobody reads it any more: then nobody can be told either.
  stderr.on('error', () => undefined)
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void stderr.write(sanitizeJson(line)) },
  )
  const always = logger.child({}, { level: 'info' })
  return {
    log: toLogger(logger),
    note: (text) => always.info(text),
    failure: ({ code, message, hint, exitCode }) => always.error({ code, hint, exit: exitCode }, message),
  }
}

function toLogger(logger: PinoLogger): Logger {
  return {
    debug: (message, fields) => logger.debug(plain(fields), message),
    info: (message, fields) => logger.info(plain(fields), message),
    warn: (message, fields) => logger.warn(plain(fields), message),
    error: (message, fields) => logger.error(plain(fields), message),
  }
}

/** As in the text format, an error is its message, and a bigint keeps its digits. */
function plain(fields: LogFields = {}): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (value instanceof Error) return [key, value.message]
      return [key, typeof value === 'bigint' ? String(value) : value]
    }),
  )
}
