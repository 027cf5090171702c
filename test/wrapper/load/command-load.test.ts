import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/runtime.js'
import { commandLoad, parseLoad } from '../../../src/core/wrapper/load/command-load.js'

describe('a printed load', () => {
  it.each([
    ['0.25', 0.25],
    ['0', 0],
    ['1\n', 1],
    ['.5', 0.5],
    ['load average: 0.52, 0.58, 0.59', 0.52],
    ['cpu0 busy 37.5%', 0.375],
    ['100 %', 1],
    ['2.5e-1', 0.25],
    ['v1.2: 0.7', 0.7],
  ])('%j is %d', (text, load) => {
    expect(parseLoad(text)).toBeCloseTo(load, 10)
  })

  it.each([
    ['', /no number: ""/],
    ['all is well', /no number: "all is well"/],
    ['1.2', /printed 1.2, which is neither/],
    ['-0.1', /printed -0.1, which/],
    ['250%', /printed 250%, which/],
  ])('%j is none', (text, reason) => {
    expect(() => parseLoad(text)).toThrow(reason)
  })
})

describe('the load by a command', () => {
  const load = (command: string, timeoutMs = 10_000) => {
    const source = commandLoad({ command, env: { FAIRLEAD_SERVICE: 'web' }, timeoutMs }, systemClock)
    return source.sample(new AbortController().signal)
  }

  it('is what a shell makes of it', async () => {
    expect(await load('test "$FAIRLEAD_SERVICE" = web && echo 20 | sed s/$/%/')).toBe(0.2)
    expect(await load('yes 0.5 | head -c 200000')).toBe(0.5)
  })

  it('cannot be told where the command fails, and the reason is what it said first', async () => {
    await expect(load('echo oh dear >&2; echo more >&2; exit 3')).rejects.toThrow('it ended with status 3: oh dear')
    await expect(load('kill -9 $$')).rejects.toThrow('it was ended by SIGKILL')
    await expect(load('echo nothing')).rejects.toThrow(/no number/)
  })

  it('cannot be told where the command takes too long, which ends it with what it has started', async () => {
    await expect(load('sleep 1000 & wait', 200)).rejects.toThrow('it took longer than 0.2s')
  })

  it('is not waited for once nobody wants it', async () => {
    const end = new AbortController()
    const asked = commandLoad({ command: 'sleep 1000', env: {}, timeoutMs: 1e6 }, systemClock).sample(end.signal)
    end.abort()
    await expect(asked).rejects.toThrow('SIGKILL')
  })
})
