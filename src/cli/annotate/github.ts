import { appendFile } from 'node:fs/promises'
import type { Table } from '../output/document.js'
import { markdownTable } from './markdown.js'
import { type AnnotationLevel, workflowCommand } from './workflow-command.js'

/** GitHub shows so many annotations of one level of a step, and drops the others. */
const MOST_PER_LEVEL = 10

export interface GithubOptions {
  /** $GITHUB_STEP_SUMMARY: the file that the step's summary is read from. Undefined outside of GitHub Actions. */
  readonly summaryFile: string | undefined
  /** Writes a line to stderr, which the runner reads as it does stdout: so nothing gets between the lines of an answer. */
  readonly writeLine: (line: string) => void
}

/** What a command tells GitHub Actions of: annotations, and tables for the summary of the step. */
export class GithubAnnotations {
  readonly #told = { error: 0, warning: 0 }

  constructor(private readonly options: GithubOptions) {}

  /** Annotates, as long as GitHub shows annotations of this level. */
  tell(level: AnnotationLevel, title: string, message: string): void {
    if (++this.#told[level] <= MOST_PER_LEVEL) this.options.writeLine(workflowCommand(level, title, message))
  }

  /** Appends a table to the summary. Rejects where the file cannot be written. */
  async summarize(heading: string, table: Table): Promise<void> {
    const { summaryFile } = this.options
    if (summaryFile !== undefined) await appendFile(summaryFile, markdownTable(heading, table))
  }
}
