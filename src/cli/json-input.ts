import { FairleadError } from '../core/errors.js'

/** Parses JSON that a user wrote. Throws INVALID_ARGUMENT naming `what`, and the line and column where it goes wrong. */
export function parseJsonInput(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = errorPosition(text)
    const before = text.slice(0, position).split('\n')
    const found = position === text.length ? 'it ends too early' : `unexpected ${JSON.stringify(text[position])}`
    const where = `line ${before.length}, column ${before.at(-1)!.length + 1}`
    throw new FairleadError('INVALID_ARGUMENT', `${what} is not JSON: ${found} at ${where}`, {
      cause: error,
      hint: 'quote the whole document for the shell, or give it on stdin with -',
    })
  }
}

/**
 * The first character that no JSON text can have at its place; the text's length where it only ends too early. V8's own
 * messages do not always tell: this looks for the longest beginning that can still become JSON.
 */
function errorPosition(text: string): number {
  let [good, bad] = [0, text.length + 1]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (canBecomeJson(text.slice(0, middle))) good = middle
    else bad = middle
  }
  return good
}

function canBecomeJson(beginning: string): boolean {
  try {
    JSON.parse(beginning)
    return true
  } catch (error) {
    const { message } = error as SyntaxError
    const position = /at position (\d+)/.exec(message)?.[1]
    if (position !== undefined && Number(position) === beginning.length) return true
    return /^(Unexpected end|Unterminated)/.test(message)
  }
}
