import type { Board } from '../top/board.js'
import type { Effect } from '../top/keys.js'
import { openScreen } from './screen.js'
import { TopScreen } from './top/top-screen.js'

export interface ShowTopOptions {
  readonly board: () => Board
  readonly subscribe: (listener: () => void) => () => void
  readonly color: boolean
  readonly onEffect: (effect: Effect) => void
}

export interface ShownTop {
  /** Rejects when the view fails. Never resolves. */
  readonly failed: Promise<never>
  /** Gives the terminal back. Idempotent. */
  close(): void
}

/** Shows the live view until it is closed. */
export function showTop(options: ShowTopOptions): ShownTop {
  const screen = openScreen((size) => <TopScreen {...options} {...size} onSuspend={() => screen.suspend()} />)
  return screen
}
