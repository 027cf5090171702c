import { FairleadError } from '../core/errors.js'

/** Reads `key=value` words; the value is all that follows the first `=`. Throws INVALID_ARGUMENT naming the flag. */
export function parseKeyValues(flag: string, words: readonly string[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf('=')
      if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)]
      throw new FairleadError('INVALID_ARGUMENT', `bad ${flag} ${JSON.stringify(word)}`, {
        hint: `write ${flag} key=value`,
      })
    }),
  )
}
