import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithPeers } from '../support/peers.js'
import { COMMANDS, OFFERS, openPlayground, output, type Playground } from './support.js'

describeWithPeers(['fish'], 'completion in fish', () => {
  let playground: Playground
  beforeAll(async () => {
    playground = await openPlayground()
  })
  afterAll(() => playground.close())

  async function complete(line: string): Promise<string[]> {
    const program = 'source $argv[1]/completion.fish; complete -C $argv[2]'
    const stdout = await output(playground, 'fish', ['--no-config', '-c', program, playground.folder, line])
    return stdout
      .split('\n')
      .map((candidate) => candidate.split('\t')[0]!)
      .filter((candidate) => candidate !== '')
      .sort()
  }

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

  it('completes files behind --', async () => {
    expect(await complete('fairlead register web 10.0.0.8:80 -- cat files/o')).toEqual(['files/other.txt'])
  })
})
