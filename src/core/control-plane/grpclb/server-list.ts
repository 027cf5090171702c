import type { ServedEndpoint, ServiceView } from '../directory/contract.js'
import { candidatesFor } from './candidates.js'
import { dropPercentOf } from './drop-config.js'
import { withDrops } from './drops.js'
import { interleave } from './interleave.js'
import { repetitions } from './repetitions.js'

/** A list has at most so many entries, or so many for each endpoint where that is more. */
const MAX_ENTRIES = 256
const MAX_ENTRIES_PER_ENDPOINT = 4
/** And no more than these, unless there are more endpoints: clients take messages of 4 MiB. */
const MAX_REPEATED_ENTRIES = 16_384

/** A call that comes to this turn is dropped. */
export const DROP = Symbol('drop')

/** Whose turn it is: an endpoint's, or nobody's. */
export type Turn = ServedEndpoint | typeof DROP

/**
 * What clients of a service in a zone are told: who is to take their calls, turn by turn. Endpoints stand in the order of their
 * addresses; by policies that go by weight each is repeated by its weight, evenly spread. Weights are the registry's, or those by
 * reported load where the service's config asks for that: who is loaded least then comes up most. With `pick_first` the order is the
 * list's, and the client's child policy decides to use it. The same view gives the same list.
 */
export function listTurns(view: ServiceView, zone: string | undefined): readonly Turn[] {
  const candidates = candidatesFor(view, zone)
  const weighted = view.choice === undefined || view.choice.policy.share === 'weight'
  const weights = candidates.map(({ weight }) => (weighted ? weight : 1))
  const list = interleave(candidates, repetitions(weights, entryLimit(candidates.length)))
  return withDrops<Turn>(list, dropPercentOf(view.serviceConfig), DROP, MAX_REPEATED_ENTRIES)
}

function entryLimit(endpoints: number): number {
  const repeated = Math.min(MAX_REPEATED_ENTRIES, Math.max(MAX_ENTRIES, MAX_ENTRIES_PER_ENDPOINT * endpoints))
  return Math.max(endpoints, repeated)
}
