import { mkdtemp, mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FairleadError } from '../../src/core/errors.js'
import { KeptFiles, LOOK_MS } from '../../src/core/net/kept-files.js'
import { eventually } from '../support/eventually.js'
import { ManualClock } from '../support/manual-clock.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairlead-kept-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Two files that can be used as long as both say the same. */
async function keepPair(paths: readonly string[]) {
  const clock = new ManualClock()
  const heard: string[] = []
  const build = ([a, b]: readonly Buffer[]) => {
    if (!a!.equals(b!)) throw new FairleadError('INVALID_ARGUMENT', `${a!.toString()} is not ${b!.toString()}`)
    return a!.toString()
  }
  const observer = {
    replaced: () => void heard.push('replaced'),
    refused: ({ message }: FairleadError) => void heard.push(message),
  }
  const kept = await KeptFiles.open(paths, build, clock, observer)
  /** Lets one look at the files pass. The next one is due once it is over. */
  const look = async () => {
    await clock.advance(LOOK_MS)
    await eventually(() => expect(clock.pending).toBe(1))
  }
  return { kept, heard, look, clock }
}

async function pair(a: string, b = a) {
  const paths = [join(directory, 'a'), join(directory, 'b')]
  await write(paths, a, b)
  return paths
}

async function write(paths: readonly string[], a: string, b: string) {
  await writeFile(paths[0]!, a)
  await writeFile(paths[1]!, b)
}

describe('KeptFiles', () => {
  it('goes by what the files say once they change', async () => {
    const paths = await pair('one')
    const { kept, heard, look } = await keepPair(paths)
    expect(kept.current).toBe('one')
    await look()
    expect(heard).toEqual([])
    await write(paths, 'two', 'two')
    await look()
    expect([kept.current, heard]).toEqual(['two', ['replaced']])
    await look()
    expect(heard).toEqual(['replaced'])
    kept.close()
  })

  it('sees a symlink that is swapped, as Kubernetes does it', async () => {
    const versions = ['v1', 'v2'].map((version) => join(directory, version))
    for (const version of versions) {
      await mkdir(version)
      await write([join(version, 'a'), join(version, 'b')], version.slice(-2), version.slice(-2))
    }
    const data = join(directory, 'data')
    await symlink(versions[0]!, data)
    const { kept, look } = await keepPair([join(data, 'a'), join(data, 'b')])
    await symlink(versions[1]!, join(directory, 'next'))
    await rename(join(directory, 'next'), data)
    await look()
    expect(kept.current).toBe('v2')
    kept.close()
  })

  it('says nothing of files caught between one replacement and the other', async () => {
    const paths = await pair('one')
    const { kept, heard, look } = await keepPair(paths)
    await write(paths, 'two', 'one')
    await look()
    expect([kept.current, heard]).toEqual(['one', []])
    await write(paths, 'two', 'two')
    await look()
    expect([kept.current, heard]).toEqual(['two', ['replaced']])
    kept.close()
  })

  it('keeps what it had when the files stay wrong, and tells once', async () => {
    const paths = await pair('one')
    const { kept, heard, look } = await keepPair(paths)
    await write(paths, 'two', 'one')
    for (let i = 0; i < 4; i++) await look()
    expect([kept.current, heard]).toEqual(['one', ['two is not one']])
    await unlink(paths[0]!)
    await look()
    await look()
    expect(heard.slice(1)).toEqual([`cannot read ${paths[0]}: there is no such file`])
    await write(paths, 'one', 'one')
    await look()
    await write(paths, 'two', 'one')
    await look()
    await look()
    expect(heard.slice(2)).toEqual(['two is not one'])
    kept.close()
  })

  it('does not begin with files it cannot use', async () => {
    await expect(keepPair(await pair('one', 'two'))).rejects.toThrow('one is not two')
    const missing = join(directory, 'missing')
    await expect(keepPair([missing, missing])).rejects.toThrow(`cannot read ${missing}: there is no such file`)
    await expect(keepPair([directory, directory])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('looks no more once it is closed', async () => {
    const paths = await pair('one')
    const { kept, heard, clock } = await keepPair(paths)
    kept.close()
    expect(clock.pending).toBe(0)
    await write(paths, 'two', 'two')
    await clock.advance(3 * LOOK_MS)
    expect([kept.current, heard]).toEqual(['one', []])
  })
})
