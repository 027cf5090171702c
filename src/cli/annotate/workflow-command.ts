import { sanitize } from '../sanitize.js'

export type AnnotationLevel = 'error' | 'warning'

/**
 * One line that GitHub's runner turns into an annotation, on stdout and stderr alike. Unsafe characters are written out first;
 * then, as the runner undoes it, `%` and line ends are escaped everywhere, `:` and `,` in properties too.
 */
export function workflowCommand(level: AnnotationLevel, title: string, message: string): string {
  return `::${level} title=${escapeProperty(title)}::${escapeData(message)}`
}

/** A message may have several lines. */
function escapeData(text: string): string {
  return text
    .split('\n')
    .map((line) => sanitize(line).replaceAll('%', '%25'))
    .join('%0A')
}

function escapeProperty(text: string): string {
  return sanitize(text).replaceAll('%', '%25').replaceAll(':', '%3A').replaceAll(',', '%2C')
}
