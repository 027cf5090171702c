import type { LatestResolution } from './latest.js'
import type { Resolution } from './resolution.js'

/**
 * Hands each of `resolutions` to `accept` as it comes and yields what was offered to `latest`, by `accept` or by anything else.
 * Ends, or fails, when `resolutions` does. `onEnd` is called once at the end.
 */
export async function* relay(
  resolutions: AsyncIterable<Resolution>,
  latest: LatestResolution,
  accept: (resolution: Resolution) => void,
  onEnd: () => void,
): AsyncGenerator<Resolution, void, undefined> {
  const source = resolutions[Symbol.asyncIterator]()
  const ended = new AbortController()
  let failure: { readonly error: unknown } | undefined
  const pump = async () => {
    try {
      for (let next = await source.next(); !next.done; next = await source.next()) accept(next.value)
    } catch (error) {
      failure = { error }
    }
    ended.abort()
  }
  void pump()
  try {
    yield* latest.read(ended.signal)
    if (failure) throw failure.error
  } finally {
    onEnd()
    // Not awaited: a source that waits for its registry answers only when its own signal aborts.
    void source.return?.()
  }
}
