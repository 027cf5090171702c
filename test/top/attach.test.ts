import { describe, expect, it, vi } from 'vitest'
import type { LocalSocket } from '../../src/core/admin/runtime-folder.js'
import { attachTo, attachToLocal } from '../../src/top/attach.js'
import type { Source } from '../../src/top/source.js'
import { ManualClock } from '../support/manual-clock.js'

const NEVER = new AbortController().signal

function source(name: string, ready: Promise<void> = Promise.resolve()): Source {
  return { name, ready, change: () => Promise.resolve(), close: vi.fn() }
}

describe('attachTo', () => {
  it('goes on with those that answer', async () => {
    const sources = [source('a', Promise.reject(new Error('no'))), source('b')]
    const attachment = await attachTo(sources, NEVER)
    expect(attachment.sources).toEqual(sources)
    expect(sources[0]!.close).not.toHaveBeenCalled()
    attachment.close()
    for (const { close } of sources) expect(close).toHaveBeenCalledOnce()
  })

  it('fails with the first error where none does, and leaves none open', async () => {
    const sources = [source('a', Promise.reject(new Error('first'))), source('b', Promise.reject(new Error('second')))]
    await expect(attachTo(sources, NEVER)).rejects.toThrow('first')
    for (const { close } of sources) expect(close).toHaveBeenCalledOnce()
  })
})

describe('attaching', () => {
  it('waits for none that does not answer once it is to end', async () => {
    const end = new AbortController()
    const silent = source('a', new Promise(() => {}))
    const attached = attachTo([silent], end.signal)
    const found = () => Promise.resolve([{ path: '/a', pid: 1 }])
    const local = attachToLocal(found, () => silent, new ManualClock(), end.signal)
    end.abort()
    for (const attachment of [await attached, await local]) attachment.close()
    expect(silent.close).toHaveBeenCalledTimes(2)
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
        NEVER,
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
    const attachment = await attachToLocal(() => Promise.resolve(found), open, clock, NEVER)
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
