import { expect } from 'vitest'
import { eventually } from '../../support/eventually.js'
import type { Calls } from './calling-client.js'

/** Calls that a look at shares goes by: at five standard deviations, a share of 1/9 is known to 0.05. */
const SAMPLE = 1200

/** Machines that run the tests may be slow at calls. */
const PATIENCE_MS = 45_000

interface Calling {
  next(count: number): Promise<Calls>
}

/** Waits until calls go to just these servers. */
export async function reaches(calling: Calling, names: readonly string[]): Promise<void> {
  await eventually(async () => {
    const { counts } = await calling.next(100)
    expect(Object.keys(counts).sort()).toEqual(names)
  }, PATIENCE_MS)
}

/** Waits until calls are shared out so, within five standard deviations. */
export async function shares(calling: Calling, wanted: Readonly<Record<string, number>>): Promise<void> {
  await eventually(async () => {
    const { counts } = await calling.next(SAMPLE)
    const total = Object.values(counts).reduce((sum, n) => sum + n, 0)
    for (const [name, share] of Object.entries(wanted)) {
      const deviation = Math.sqrt((share * (1 - share)) / total)
      expect(Math.abs((counts[name] ?? 0) / total - share)).toBeLessThan(5 * deviation)
    }
  }, PATIENCE_MS)
}
