import type { Board, Section } from './board.js'
import { millis, percentage, short } from './format.js'

const MOST = 10

/** How things were last, a line for each service: what stays on the terminal after the view. */
export function summaryLines({ sections }: Board): string[] {
  const lines = sections.slice(0, MOST).map(summary)
  const rest = sections.length - lines.length
  return rest > 0 ? [...lines, `and ${rest} more`] : lines
}

function summary({ service, listen, traffic, eligible, total }: Section): string {
  const { rate = 0, success = null, p99Ms = null } = traffic ?? {}
  return [
    listen === '' ? service : `${service} ${listen}`,
    `${eligible} of ${total} in rotation`,
    ...(traffic ? [`${short(rate)}/s`] : []),
    ...(success === null ? [] : [`ok ${percentage(success, 2)}%`]),
    ...(p99Ms === null ? [] : [`p99 ${millis(p99Ms)} ms`]),
  ].join('  ')
}
