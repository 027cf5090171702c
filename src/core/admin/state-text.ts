import type { StateInParts } from './state-keeper.js'
import type { EndpointView } from './state.js'

/** Endpoints that are turned into text at a time. */
const AT_A_TIME = 200

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

function* listed(endpoints: Iterable<EndpointView>): Generator<string, void, undefined> {
  let first = true
  let some: EndpointView[] = []
  const text = () => `${first ? '' : ','}${JSON.stringify(some).slice(1, -1)}`
  for (const endpoint of endpoints) {
    some.push(endpoint)
    if (some.length < AT_A_TIME) continue
    yield text()
    first = false
    some = []
  }
  if (some.length > 0) yield text()
}

/** An object that is not empty, without its closing brace. */
function openEnded(value: object): string {
  return JSON.stringify(value).slice(0, -1)
}
