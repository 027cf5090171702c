/** What an unfinished command line says already. */
export interface UnfinishedLine {
  /** The flags in it that say which registry is meant, with their values. */
  readonly registry: readonly string[]
  /** The words that are neither flags nor values of flags: the command and its arguments. */
  readonly words: readonly string[]
}

export interface LineFlags {
  /** Whether `--name` or `-c` is followed by a value of its own. */
  takesValue(flag: string): boolean
  /** Whether `--name` says which registry is meant. */
  isRegistry(flag: string): boolean
}

/** Reads the words before the cursor, leniently: they need not make sense yet. */
export function readUnfinishedLine(line: readonly string[], flags: LineFlags): UnfinishedLine {
  const registry: string[] = []
  const words: string[] = []
  for (let i = 0; i < line.length; i++) {
    const word = line[i]!
    if (word === '--') break
    if (!word.startsWith('-')) {
      words.push(word)
      continue
    }
    const [flag] = word.split('=', 1)
    const hasValue = word.includes('=') || !flags.takesValue(flag!)
    const value = hasValue ? [] : line.slice(i + 1, ++i + 1)
    // One whose value is still to come says nothing.
    if (flags.isRegistry(flag!) && (hasValue || value.length > 0)) registry.push(word, ...value)
  }
  return { registry, words }
}
