import { expect, it } from 'vitest'
import { StallGuard } from '../../src/core/health/stall-guard.js'
import { ManualClock } from '../support/manual-clock.js'

function start() {
  const clock = new ManualClock()
  const guard = new StallGuard(clock)
  guard.start()
  return { clock, guard }
}

it('doubts nothing while time passes as it should', async () => {
  const { clock, guard } = start()
  for (let i = 0; i < 100; i++) {
    await clock.advance(130)
    expect(guard.inDoubt).toBe(false)
  }
})

it('is in doubt at once after a stall, before its own timer fires, and for as long again', async () => {
  const { clock, guard } = start()
  await clock.advance(1000)
  clock.jump(2000)
  expect(guard.inDoubt).toBe(true)
  await clock.advance(0)
  expect(guard.inDoubt).toBe(true)
  await clock.advance(1700)
  expect(guard.inDoubt).toBe(true)
  await clock.advance(200)
  expect(guard.inDoubt).toBe(false)
})

it('is over a night’s sleep after ten seconds', async () => {
  const { clock, guard } = start()
  clock.jump(8 * 3_600_000)
  await clock.advance(9900)
  expect(guard.inDoubt).toBe(true)
  await clock.advance(200)
  expect(guard.inDoubt).toBe(false)
})

it('doubts nothing before it looks and after it is closed, and leaves no timer', async () => {
  const clock = new ManualClock()
  const guard = new StallGuard(clock)
  clock.jump(60_000)
  expect(guard.inDoubt).toBe(false)
  guard.start()
  guard.close()
  clock.jump(60_000)
  expect(guard.inDoubt).toBe(false)
  expect(clock.pending).toBe(0)
})
