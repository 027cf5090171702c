import type { Store, WatchBatch } from '../../src/core/registry/store.js'

export interface Following {
  readonly batches: readonly WatchBatch[]
  /** Every event so far: `+key=value` or `-key`. */
  readonly changes: readonly string[]
  /** The revision of every event so far. */
  readonly revisions: readonly bigint[]
  /** Settles as the iteration does. */
  readonly ended: Promise<void>
  /** Waits until `met` holds of what has been seen. Fails if the watch ends before, with its error if it has one. */
  until(met: (seen: Following) => boolean): Promise<void>
  /** Aborts the watch and waits for its end. */
  stop(): Promise<void>
}

/** Watches in the background and keeps what it sees. */
export function follow(store: Store, prefixes: readonly string[], from: bigint): Following {
  const controller = new AbortController()
  const batches: WatchBatch[] = []
  const changes: string[] = []
  const revisions: bigint[] = []
  let notify = () => {}
  let over = false

  const run = async () => {
    try {
      for await (const batch of store.watch(prefixes, from, controller.signal)) {
        batches.push(batch)
        for (const event of batch.events) {
          changes.push(event.type === 'put' ? `+${event.entry.key}=${event.entry.value.toString()}` : `-${event.key}`)
          revisions.push(event.type === 'put' ? event.entry.modRevision : event.modRevision)
        }
        notify()
      }
    } finally {
      over = true
      notify()
    }
  }
  const ended = run()
  ended.catch(() => undefined)

  const following: Following = {
    batches,
    changes,
    revisions,
    ended,
    async until(met) {
      while (!met(following)) {
        if (over) {
          await ended
          throw new Error('the watch returned before what was waited for')
        }
        await new Promise<void>((resolve) => (notify = resolve))
      }
    },
    async stop() {
      controller.abort()
      await ended
    },
  }
  return following
}

/** Iterates to the end. */
export async function drain(batches: AsyncIterable<WatchBatch>): Promise<void> {
  for await (const _ of batches);
}
