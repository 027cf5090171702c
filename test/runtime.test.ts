import { expect, it } from 'vitest'
import { systemClock } from '../src/core/runtime.js'

it('does not take a wait that is longer than timers can be for none', async () => {
  const called: string[] = []
  const cancel = systemClock.after(2 ** 31, () => called.push('in 25 days'))
  await new Promise<void>((resolve) => {
    systemClock.after(20, () => {
      called.push('soon')
      resolve()
    })
  })
  cancel()
  expect(called).toEqual(['soon'])
})
