import type { OpenToPeer } from './load-stream.js'

/** Loads what speaks gRPC with the first stream: most configurations need none. */
export const openLazily: OpenToPeer = (peer, periodMs, observer) => {
  let isOver = false
  let end: (() => void) | undefined
  const open = async () => {
    const { openLoadStream } = await import('./oob.js')
    if (!isOver) end = openLoadStream(peer, periodMs, observer)
  }
  open().catch((error: unknown) => {
    if (!isOver) observer.ended((error as Error).message)
  })
  return () => {
    isOver = true
    end?.()
  }
}
