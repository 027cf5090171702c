import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS, OFFERS, openPlayground, output, type Playground } from './support.js'

let playground: Playground
beforeAll(async () => {
  playground = await openPlayground()
})
afterAll(() => playground.close())

/** Has bash's completion function complete a line, as readline would. Candidates come with what stands before the last break. */
async function complete(line: string, breaks = ' \t\n"\'><=;|&(:'): Promise<string[]> {
  const program = `
    source "$0/completion.bash"
    COMP_LINE="$1" COMP_POINT=\${#1} COMP_WORDBREAKS="$2"
    _fairlead
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const stdout = await output(playground, 'bash', ['--norc', '-c', program, playground.folder, line, breaks])
  const word = line.slice(line.lastIndexOf(' ') + 1)
  const kept = /^.*[=:]/.exec(word)?.[0] ?? ''
  const whole = breaks.includes('=') ? (candidate: string) => kept + candidate : (candidate: string) => candidate
  return stdout
    .split('\n')
    .filter((candidate) => candidate !== '')
    .map(whole)
    .sort()
}

describe('completion in bash', () => {
  it.each(OFFERS)('of %j offers %j', async (line, candidates) => {
    expect(await complete(line)).toEqual([...candidates].sort())
  })

  it('offers the commands, and none that are hidden', async () => {
    const offered = await complete('fairlead ')
    expect(offered).toEqual(expect.arrayContaining([...COMMANDS]))
    expect(offered).not.toContain('complete')
  })

  it('offers the flags of a command with those of every command', async () => {
    const offered = await complete('fairlead wait web --')
    expect(offered).toEqual(expect.arrayContaining(['--for', '--timeout', '--endpoints', '--json']))
    expect(offered).not.toContain('--weight')
  })

  it('gives whole words where nothing breaks them', async () => {
    expect(await complete('fairlead set web 10.0.0.6:', ' \t\n')).toEqual(['10.0.0.6:8080'])
    expect(await complete('fairlead pick --policy=ring', ' \t\n')).toEqual(['--policy=ring_hash'])
  })

  it('completes the command behind --', async () => {
    expect(await complete('fairlead register web 10.0.0.8:80 -- mkdi')).toEqual(expect.arrayContaining(['mkdir']))
    expect(await complete('fairlead register web 10.0.0.8:80 -- cat files/o')).toEqual(['files/other.txt'])
  })

  it('says nothing where the registry does not answer', async () => {
    expect(await complete('fairlead resolve --endpoints=127.0.0.1:1 ')).toEqual([])
  })
})
