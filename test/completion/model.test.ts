import { Config } from '@oclif/core'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readUnfinishedLine } from '../../src/cli/completion/line.js'
import { type CompletionModel, completionModel } from '../../src/cli/completion/model.js'

describe('what completion knows', () => {
  let model: CompletionModel
  beforeAll(async () => {
    model = completionModel(await Config.load({ root: resolve('.') }))
  })

  const command = (...words: string[]) => model.commands.find((each) => each.words.join(' ') === words.join(' '))!

  it('comes from the manifest, without what is hidden', () => {
    expect(model.bin).toBe('fairlead')
    expect(command('config', 'get').args).toMatchObject([{ name: 'service', values: { kind: 'services' } }])
    expect(command('deregister').args[1]).toMatchObject({ values: { kind: 'addresses' } })
    expect(command('register').args[1]).toMatchObject({ values: { kind: 'text' } })
    expect(command('complete')).toBeUndefined()
    expect(model.groups).toMatchObject([
      { name: 'config', isCommand: false, summary: expect.stringMatching(/./) as string },
      { name: 'serve', isCommand: true, children: [{ words: ['serve', 'bootstrap'] }] },
    ])
  })

  it('is what each flag takes', () => {
    const flag = (name: string) => command('proxy').flags.find((each) => each.name === name)!
    expect(flag('policy').values).toMatchObject({
      kind: 'words',
      words: expect.arrayContaining(['maglev']) as string[],
    })
    expect(flag('tls-cert').values).toEqual({ kind: 'files' })
    expect(flag('upstream-tls').values).toBeUndefined()
    expect(flag('sticky').values).toBeUndefined()
    expect(flag('output')).toMatchObject({ char: 'o', summary: 'how to print' })
  })

  it('has no name that is a switch here and takes a value there: scripts tell them apart by name', () => {
    const flags = model.commands.flatMap((each) => each.flags)
    const named = (valued: boolean) =>
      new Set(
        flags.flatMap(({ name, char, values }) => ((values !== undefined) === valued ? [name, char ?? name] : [])),
      )
    expect([...named(true)].filter((name) => named(false).has(name))).toEqual([])
  })

  it('can be written into scripts: words without blanks and quotes', () => {
    const values = model.commands.flatMap(({ args, flags }) => [...args, ...flags].map((each) => each.values))
    const words = values.flatMap((each) => (each?.kind === 'words' ? each.words : []))
    expect(words.filter((word) => !/^[\w.:/=-]+$/.test(word))).toEqual([])
  })
})

describe('an unfinished line', () => {
  const flags = {
    takesValue: (flag: string) => ['--endpoints', '--prefix', '-n', '--weight'].includes(flag),
    isRegistry: (flag: string) => ['--endpoints', '--prefix', '--insecure'].includes(flag),
  }

  it.each([
    [['set', 'web'], [], ['set', 'web']],
    [['set', '--weight', '3', 'web'], [], ['set', 'web']],
    [['set', '--weight=3', 'web', '-n', '1', '--all'], [], ['set', 'web']],
    [
      ['--endpoints', 'a:1', 'set', '--prefix=/x', '--insecure'],
      ['--endpoints', 'a:1', '--prefix=/x', '--insecure'],
      ['set'],
    ],
    [['set', '--prefix'], [], ['set']],
    [['register', 'web', '--', '--prefix', '/x'], [], ['register', 'web']],
  ])('%j names the registry by %j and has the words %j', (line, registry, words) => {
    expect(readUnfinishedLine(line, flags)).toEqual({ registry, words })
  })
})
