import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { POLICY_NAMES } from '../src/index.js'

interface Manifest {
  readonly commands: Readonly<Record<string, ManifestCommand>>
}

interface ManifestCommand {
  readonly hidden?: boolean
  readonly flags: Readonly<Record<string, { readonly char?: string }>>
}

const readme = readFileSync('README.md', 'utf8')
const { commands } = JSON.parse(readFileSync('oclif.manifest.json', 'utf8')) as Manifest

/** Every `fairlead …` of the README, in blocks and in running text, as words. */
const mentioned = [...readme.matchAll(/^\$ (fairlead .*)$|`(fairlead [^`]+)`/gm)].map(([, block, inline]) =>
  (block ?? inline)!.replace(/\s+/g, ' ').split(' ').slice(1),
)

/** `config get` is the command `config:get`; `serve --xds …` is `serve`. */
function commandOf([first, second]: readonly string[]): string {
  const nested = `${first}:${second}`
  return first === 'config' || nested in commands ? nested : first!
}

describe('README.md', () => {
  it('names only commands and flags that exist', () => {
    expect(mentioned.length).toBeGreaterThan(15)
    const wrong = mentioned.flatMap((words) => {
      const name = commandOf(words)
      const command = commands[name]
      if (!command) return name === 'COMMAND' ? [] : [`fairlead ${name}`]
      const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
      const flags = new Set(Object.entries(command.flags).flatMap(([flag, { char }]) => [`--${flag}`, `-${char}`]))
      return own.filter((word) => /^--?[a-z]/.test(word) && !flags.has(word)).map((word) => `fairlead ${name} ${word}`)
    })
    expect(wrong).toEqual([])
  })

  it('names every command and every policy in its tables', () => {
    const cells = [...readme.matchAll(/^\| (`[^|]*(?:\\\|[^|]*)*) \|/gm)].map(([, cell]) => cell!)
    const listed = (name: string) => cells.some((cell) => cell.includes(`\`${name}\``) || cell.startsWith(`\`${name} `))
    const shown = Object.keys(commands).filter((name) => commands[name]!.hidden !== true)
    expect(shown.filter((name) => !listed(name.split(':')[0]!))).toEqual([])
    expect(POLICY_NAMES.filter((name) => !listed(name))).toEqual([])
  })

  it.each(['README.md', 'CONTRIBUTING.md', 'src/core/README.md'])('%s links only to what is there', (file) => {
    const links = [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!)
    const folder = file.replace(/[^/]*$/, '')
    expect(links.filter((path) => !existsSync(folder + path))).toEqual([])
  })
})
