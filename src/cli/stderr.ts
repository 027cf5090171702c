import type { ChalkInstance } from 'chalk'
import { type LogFormat, type LogLevel, type Stderr, streamLogger } from './log.js'
import { errorText } from './report-error.js'
import { sanitize } from './sanitize.js'

export interface StderrOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly chalk: ChalkInstance
}

/** Opens the process's stderr in one format. pino is loaded for `json` only. */
export async function openStderr({ level, format, chalk }: StderrOptions): Promise<Stderr> {
  if (format === 'text') return textStderr(process.stderr, level, chalk)
  const { jsonStderr } = await import('./stderr-json.js')
  return jsonStderr(level)
}

function textStderr(stream: NodeJS.WritableStream, level: LogLevel, chalk: ChalkInstance): Stderr {
  return {
    log: streamLogger(stream, level),
    note: (text) => void stream.write(`${sanitize(text)}\n`),
    failure: (error) => void stream.write(errorText(error, chalk)),
  }
}
