import { type Command, Parser } from '@oclif/core'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withStickyName } from '../../src/cli/proxy/flags.js'
import { commonFlags } from '../../src/cli/common-flags.js'
import { simpleCommands } from '../support/shell-words.js'

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly hidden?: boolean; readonly examples?: readonly string[] }>>
}

const { commands } = JSON.parse(readFileSync('oclif.manifest.json', 'utf8')) as Manifest
const shown = Object.entries(commands).filter(([, { hidden }]) => hidden !== true)

/** The `fairlead …` of an example, each as words without the program. */
function uses(example: string): string[][] {
  return example
    .replaceAll('<%= config.bin %>', 'fairlead')
    .split('\n')
    .flatMap(simpleCommands)
    .filter(([program]) => program === 'fairlead')
    .map(([, ...words]) => words)
}

/** Which command words belong to, and what is left of them. */
function commandOf(words: readonly string[]): [id: string, argv: readonly string[]] {
  const nested = words.slice(0, 2).join(':')
  return nested in commands ? [nested, words.slice(2)] : [words[0]!, words.slice(1)]
}

async function parse(words: readonly string[]): Promise<void> {
  const [id, rest] = commandOf(words)
  const module = (await import(resolve(`src/commands/${id.replace(':', '/')}.ts`))) as { default: typeof Command }
  const { args, flags, strict } = module.default
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
  await Parser.parse(id === 'proxy' ? withStickyName([...own]) : [...own], {
    args,
    flags: { ...commonFlags, ...flags },
    strict,
  })
}

describe.each(shown)('the examples in the help of %s', (id, { examples = [] }) => {
  it('are there, show it, and can be parsed', async () => {
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) {
      const found = uses(example)
      expect(found.map((words) => commandOf(words)[0])).toContain(id)
      for (const words of found) await parse(words)
    }
  })
})

describe('the checks themselves', () => {
  it('see a flag that does not exist, and an argument too many', async () => {
    await expect(parse(['services', '--nope'])).rejects.toThrow(/nope/)
    await expect(parse(['services', 'web'])).rejects.toThrow(/web/)
    await expect(parse(['pick', 'web', '-n', 'many'])).rejects.toThrow(/integer/)
  })

  it('take shell apart', () => {
    expect(simpleCommands(`a 'b c' "d \\"e" f\\ g | h < i > j; k <(l m)`)).toEqual([
      ['a', 'b c', 'd "e', 'f g'],
      ['h'],
      ['k'],
      ['l', 'm'],
    ])
  })
})
