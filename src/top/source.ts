import type { Change } from './keys.js'

/** What the view is attached to. It writes into the store it was made for until it is closed. */
export interface Source {
  /** As people call it. Different from every other source's. */
  readonly name: string
  /** Resolves when something was learnt first, and rejects where there was nothing to learn. The source goes on trying either way. */
  readonly ready: Promise<void>
  /** Carries a change out. Rejects with a FairleadError. */
  change(change: Change): Promise<void>
  /** Ends it. Idempotent. */
  close(): void
}
