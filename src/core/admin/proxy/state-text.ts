import { listed, openEnded } from '../json-pieces.js'
import type { StateInParts } from './state-keeper.js'

/** The document of `GET /state`, in pieces that each take little time to make. */
export function* statePieces({ head, listeners }: StateInParts): Generator<string, void, undefined> {
  yield `${openEnded(head)},"listeners":[`
  for (const [i, view] of listeners.entries()) {
    const { head: listener, endpoints } = view()
    yield `${i > 0 ? ',' : ''}${openEnded(listener)},"endpoints":[`
    yield* listed(endpoints)
    yield ']}'
  }
  yield ']}\n'
}
