import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { nextAllowed } from './candidates.js'
import { booleanField, configFields } from './config.js'

export interface PickFirstConfig {
  /** Whether the order is shuffled, so that many clients do not all choose the same endpoint. */
  readonly shuffleAddressList: boolean
}

/** Every request to the first usable endpoint of the list. */
export const pickFirst: Policy<PickFirstConfig> = {
  name: 'pick_first',
  share: 'first',
  parseConfig: (raw) => ({
    shuffleAddressList: booleanField('pick_first', configFields('pick_first', raw), 'shuffleAddressList'),
  }),
  build(candidates, config, runtime, previous) {
    if (!config.shuffleAddressList) return new PickFirstPicker(candidates)
    const chosen = previous instanceof PickFirstPicker ? previous.candidates[0] : undefined
    return new PickFirstPicker(shuffle(candidates, runtime.random, chosen))
  },
}

class PickFirstPicker implements Picker {
  constructor(readonly candidates: readonly Upstream[]) {}

  pick(request: PickRequest): Upstream | undefined {
    return this.candidates[nextAllowed(this.candidates, 0, request)]
  }
}

/** A list in random order, but with `first` in front if it is in there: a change elsewhere moves no traffic. */
export function shuffle<T>(list: readonly T[], random: Random, first: T | undefined): T[] {
  const order = [...list]
  for (let i = order.length - 1; i > 0; i--) swap(order, i, Math.floor(random.next() * (i + 1)))
  if (first !== undefined && order.includes(first)) swap(order, 0, order.indexOf(first))
  return order
}

function swap<T>(order: T[], a: number, b: number): void {
  const held = order[a]!
  order[a] = order[b]!
  order[b] = held
}
