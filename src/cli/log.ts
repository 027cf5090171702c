import type { FairleadError } from '../core/errors.js'
import type { LogFields, Logger } from '../core/runtime.js'
import { sanitize } from './sanitize.js'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const LOG_FORMATS = ['text', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** All that a command says besides its answer. Every item is one line, or for people's errors two, safe to look at. */
export interface Stderr {
  /** What is logged, from a level on. */
  readonly log: Logger
  /** Tells something, whatever the log level is. */
  note(text: string): void
  /** Tells why the command failed, whatever the log level is. */
  failure(error: FairleadError): void
}

/** A logger that writes `time level message key=value …`, one line each, with unsafe characters written out. */
export function streamLogger(stream: NodeJS.WritableStream, level: LogLevel): Logger {
  const threshold = LOG_LEVELS.indexOf(level)
  const at = (own: LogLevel) => (message: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(own) < threshold) return
    const text = [new Date().toISOString(), own, message, ...pairs(fields)].join(' ')
    stream.write(`${sanitize(text)}\n`)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function pairs(fields: LogFields = {}): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${fieldText(value)}`)
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message)
  if (typeof value === 'string') return /^[\w.:/@[\]-]+$/.test(value) ? value : JSON.stringify(value)
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner))
  }
  return String(value)
}
