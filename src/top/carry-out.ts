import { sanitize } from '../cli/sanitize.js'
import { asFairleadError } from '../core/errors.js'
import type { Clock } from '../core/runtime.js'
import type { BoardStore } from './board-store.js'
import type { Change } from './keys.js'
import type { Source } from './source.js'

/** Has a change made by the source it is for. What becomes of it is told as an event; nothing is thrown. */
export async function carryOut(
  change: Change,
  sources: readonly Source[],
  store: BoardStore,
  clock: Clock,
): Promise<void> {
  const { address, service, to } = change
  const what = 'weight' in to ? `weight ${to.weight}` : to.state
  const tell = (word: string, tone: 'good' | 'bad', text: string) =>
    store.tell({ key: `asked ${clock.now()}`, at: clock.wall(), word, tone, subject: address, text })
  try {
    const source = sources.find(({ name }) => name === change.source)
    if (!source) throw new Error(`${change.source} is gone`)
    await source.change(change)
    tell('set', 'good', `${service}: ${what}`)
  } catch (error) {
    tell('refused', 'bad', `${service}: ${what}: ${sanitize(asFairleadError(error).message)}`)
  }
}
