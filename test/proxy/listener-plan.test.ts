import { expect, it } from 'vitest'
import { parseListen } from '../../src/core/proxy/listen.js'
import { planListeners } from '../../src/core/proxy/listener-plan.js'

const running = (...texts: string[]) => texts.map((text) => ({ text, spec: parseListen(text) }))
const plan = (before: string[], after: string[]) => {
  const { wanted, removed } = planListeners(running(...before), after.map(parseListen))
  const steps = wanted.map((step) => [step.kind, ...(step.kind === 'add' ? [] : [step.running.text])])
  return { steps, removed: removed.map(({ text }) => text) }
}

it('keeps what is wanted as it is, whatever the order', () => {
  expect(plan(['1=web', '0=db', 'tcp://:2=db'], ['tcp://:2=db', '0=db', '1=web'])).toEqual({
    steps: [
      ['keep', 'tcp://:2=db'],
      ['keep', '0=db'],
      ['keep', '1=web'],
    ],
    removed: [],
  })
})

it('passes an address on to another target or scheme', () => {
  expect(plan(['1=web', '2=db'], ['1=api', 'tcp://:2=db'])).toEqual({
    steps: [
      ['replace', '1=web'],
      ['replace', '2=db'],
    ],
    removed: [],
  })
})

it('adds what is new, and removes what is not wanted', () => {
  expect(plan(['1=web', '0.0.0.0:2=db'], ['2=db', '1=web'])).toEqual({
    steps: [['add'], ['keep', '1=web']],
    removed: ['0.0.0.0:2=db'],
  })
})

it('never passes on a port the system chose', () => {
  expect(plan(['0=web'], ['0=db'])).toEqual({ steps: [['add']], removed: ['0=web'] })
})

it('tells two equal listeners apart', () => {
  expect(plan(['0=web', '0=web'], ['0=web', '0=web', '0=web'])).toEqual({
    steps: [['keep', '0=web'], ['keep', '0=web'], ['add']],
    removed: [],
  })
  expect(plan(['0=web', '0=web'], ['0=web'])).toEqual({ steps: [['keep', '0=web']], removed: ['0=web'] })
})
