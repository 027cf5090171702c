import { describe, expect, it, vi } from 'vitest'
import type { LocalSocket } from '../../src/core/admin/runtime-folder.js'
import { attachTo, attachToLocal } from '../../src/top/attach.js'
import type { Source } from '../../src/top/source.js'
import { ManualClock } from '../support/manual-clock.js'

function source(name: string, ready: Promise<void> = Promise.resolve()): Source {
  return { name, ready, change: () => Promise.resolve(), close: vi.fn() }
}

describe('attachTo', () => {
  it('goes on with those that answer', async () => {
    const sources = [source('a', Promise.reject(new Error('no'))), source('b')]
    const attachment = await attachTo(sources)
    expect(attachment.sources).toEqual(sources)
    expect(sources[0]!.close).not.toHaveBeenCalled()
    attachment.close()
    for (const { close } of sources) expect(close).toHaveBeenCalledOnce()
  })

  it('fails with the first error where none does, and leaves none open', async () => {
    const sources = [source('a', Promise.reject(new Error('first'))), source('b', Promise.reject(new Error('second')))]
    await expect(attachTo(sources)).rejects.toThrow('first')
    for (const { close } of sources) expect(close).toHaveBeenCalledOnce()
  })
})

describe('attachToLocal', () => {
  it('says what to do where no proxy runs', async () => {
    const clock = new ManualClock()
    await expect(
      attachToLocal(
        () => Promise.resolve([]),
        () => source('x'),
        clock,
      ),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringMatching(/fairlead proxy 8080=web.*fairlead demo.*--service web/),
    })
    expect(clock.pending).toBe(0)
  })

  it('takes in proxies that come and lets go of those that went', async () => {
    const clock = new ManualClock()
    let found: LocalSocket[] = [{ path: '/a', pid: 1 }]
    const opened: Source[] = []
    const open = ({ path }: LocalSocket) => {
      opened.push(source(path))
      return opened.at(-1)!
    }
    const attachment = await attachToLocal(() => Promise.resolve(found), open, clock)
    expect(attachment.sources.map(({ name }) => name)).toEqual(['/a'])
    found = [
      { path: '/a', pid: 1 },
      { path: '/b', pid: 2 },
    ]
    await clock.advance(2000)
    expect(attachment.sources.map(({ name }) => name)).toEqual(['/a', '/b'])
    found = [{ path: '/b', pid: 2 }]
    await clock.advance(2000)
    expect(attachment.sources.map(({ name }) => name)).toEqual(['/b'])
    expect(opened[0]!.close).toHaveBeenCalledOnce()
    attachment.close()
    expect(opened[1]!.close).toHaveBeenCalledOnce()
    await clock.advance(10_000)
    expect(opened).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })
})
