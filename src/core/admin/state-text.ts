import type { StateInParts } from './state-keeper.js'
import type { EndpointView } from './state.js'

/** Endpoints that are turned into text at a time. */
const AT_A_TIME = 200

/** The document of `GET /state`, in pieces that each take little time to make. */
export function* statePieces({ head, listeners }: StateInParts): Generator<string, void, undefined> {
  yield `${openEnded(head)},"listeners":[`
  for (const [i, view] of listeners.entries()) {
    const { endpoints, ...rest } = view()
    yield `${i > 0 ? ',' : ''}${openEnded(rest)},"endpoints":[`
    yield* listed(endpoints)
    yield ']}'
  }
  yield ']}\n'
}

function* listed(endpoints: readonly EndpointView[]): Generator<string, void, undefined> {
  for (let i = 0; i < endpoints.length; i += AT_A_TIME) {
    const text = JSON.stringify(endpoints.slice(i, i + AT_A_TIME)).slice(1, -1)
    yield i > 0 ? `,${text}` : text
  }
}

/** An object that is not empty, without its closing brace. */
function openEnded(value: object): string {
  return JSON.stringify(value).slice(0, -1)
}
