import { Flags } from '@oclif/core'

/** For the commands that CI runs. BaseCommand does what it asks for. */
export const annotateFlag = {
  annotate: Flags.option({
    options: ['github'] as const,
    helpGroup: 'OUTPUT',
    description:
      'tell errors and warnings as annotations of GitHub Actions, on stderr, and append the table to the summary of the step',
  })(),
}

/** Whether annotations were asked for, from words that could not be parsed. */
export function wantsAnnotations(argv: readonly string[]): boolean {
  return / --annotate[= ]github /.test(` ${argv.join(' ')} `)
}
