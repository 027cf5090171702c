import { once } from 'node:events'
import type { ChalkInstance } from 'chalk'
import { sanitize } from '../sanitize.js'
import type { Document, JsonObject, OutputFormat } from './document.js'
import { jsonText } from './json.js'

/**
 * Writes documents and events to stdout in one format. Every method resolves when stdout has room again, so a caller
 * that awaits it holds no more than one item in memory while the reader is slow. A closed stdout is not an error here.
 */
export class Printer {
  constructor(
    readonly format: OutputFormat,
    readonly chalk: ChalkInstance,
    private readonly stdout: NodeJS.WriteStream,
  ) {}

  /** Whether programs read this: errors are then repeated on stdout as JSON. */
  get structured(): boolean {
    return this.format === 'json' || this.format === 'ndjson'
  }

  get tabular(): boolean {
    return this.format === 'table' || this.format === 'wide'
  }

  async print(document: Document): Promise<void> {
    switch (this.format) {
      case 'json':
        return this.line(jsonText(document.json, this.stdout.isTTY ? 2 : undefined))
      case 'ndjson':
        return this.lines((document.ndjson ?? [document.json]).map((item) => jsonText(item)))
      case 'yaml': {
        const { yamlText } = await import('./yaml.js')
        return this.write(yamlText(document.json))
      }
      case 'plain':
        return this.lines(await this.plainLines(document))
      case 'table':
      case 'wide': {
        const table = (this.format === 'wide' ? document.wide : undefined) ?? document.table
        if (table === undefined) return this.lines(textLines(document.text))
        if (table.rows.length === 0 && table.empty !== undefined) return
        const { tableText } = await import('./table.js')
        return this.line(await tableText(table, this.chalk))
      }
    }
  }

  private async plainLines({ plain, table, text }: Document): Promise<string[]> {
    if (plain !== undefined) return plain.map(sanitize)
    if (table === undefined) return textLines(text)
    const { tabSeparated } = await import('./table.js')
    return tabSeparated(table)
  }

  /** One item of a stream: a JSON line, a YAML document, or `line` for people (nothing if there is none). */
  async emit(event: JsonObject, line?: string): Promise<void> {
    if (this.structured) return this.line(jsonText(event))
    if (this.format === 'yaml') {
      const { yamlText } = await import('./yaml.js')
      return this.write(`---\n${yamlText(event)}`)
    }
    if (line !== undefined) return this.line(sanitize(line))
  }

  private lines(lines: readonly string[]): Promise<void> {
    return lines.length === 0 ? Promise.resolve() : this.line(lines.join('\n'))
  }

  private line(text: string): Promise<void> {
    return this.write(`${text}\n`)
  }

  private async write(text: string): Promise<void> {
    if (this.stdout.destroyed || this.stdout.writableEnded) return
    if (this.stdout.write(text)) return
    await Promise.race([once(this.stdout, 'drain'), once(this.stdout, 'close')]).catch(() => undefined)
  }
}

/** Resolves when everything written to `stream` so far has been handed over, or cannot be any more. */
export function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    stream.once('close', () => resolve())
    stream.write('', () => resolve())
  })
}

function textLines(text = ''): string[] {
  return text.split('\n').map(sanitize)
}
