import { describe, expect, it } from 'vitest'
import type { Board } from '../../src/top/board.js'
import { BoardStore } from '../../src/top/board-store.js'
import { ManualClock } from '../support/manual-clock.js'
import { eventLine, ONE, SOURCE } from './support/boards.js'

function recorded() {
  const clock = new ManualClock()
  const store = new BoardStore(clock)
  const boards: Board[] = []
  store.subscribe(() => boards.push(store.board()))
  return { clock, store, boards }
}

describe('BoardStore', () => {
  it('publishes at once after a rest, and at most two boards a second however much happens', async () => {
    const { clock, store, boards } = recorded()
    for (let i = 0; i < 100; i++) {
      store.put(SOURCE, ONE.sections)
      store.tell(eventLine({ at: i }))
      await clock.advance(20)
    }
    // Two seconds, both ends included.
    expect(boards).toHaveLength(5)
    expect(boards[0]!.events).toHaveLength(1)
    await clock.advance(5000)
    expect(boards).toHaveLength(5)
    expect(boards.at(-1)!.events).toHaveLength(100)
    expect(clock.pending).toBe(0)
  })

  it('publishes nothing where nothing changed', async () => {
    const { clock, store, boards } = recorded()
    store.put(SOURCE, [])
    await clock.advance(10_000)
    expect(boards).toHaveLength(1)
  })

  it('keeps events in the order of their time, each once, and not too many', async () => {
    const { clock, store } = recorded()
    store.tell(eventLine({ at: 3000 }))
    store.tell(eventLine({ at: 1000 }))
    store.tell(eventLine({ at: 2000 }))
    store.tell(eventLine({ at: 2000 }))
    await clock.advance(0)
    expect(store.board().events.map(({ at }) => at)).toEqual([1000, 2000, 3000])
    for (let i = 0; i < 500; i++) store.tell(eventLine({ at: 10_000 + i }))
    await clock.advance(500)
    expect(store.board().events).toHaveLength(200)
    expect(store.board().events.at(-1)!.at).toBe(10_499)
  })

  it('carries the banner of the moment, and drops what is removed', async () => {
    const { clock, store } = recorded()
    let text = 'first'
    store.setBanner(() => text)
    store.put(SOURCE, ONE.sections)
    await clock.advance(0)
    expect(store.board()).toMatchObject({ banner: 'first', sources: [SOURCE] })
    text = 'second'
    store.remove(SOURCE.name)
    await clock.advance(500)
    expect(store.board()).toMatchObject({ banner: 'second', sources: [], sections: [] })
  })

  it('says nothing more once it is closed', async () => {
    const { clock, store, boards } = recorded()
    store.put(SOURCE, [])
    store.close()
    store.put(SOURCE, [])
    await clock.advance(1000)
    expect(boards).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
