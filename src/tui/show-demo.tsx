import type { DemoView } from '../demo/state.js'
import { DemoScreen } from './demo-view.js'
import { openScreen } from './screen.js'

const FRAME_MS = 500

export interface ShowDemoOptions {
  readonly view: () => DemoView
  readonly color: boolean
  /** Called on q and Ctrl-C. */
  readonly onQuit: () => void
}

/** Shows the demo live, two frames a second. The returned function ends that and gives the terminal back. */
export function showDemo({ view, color, onQuit }: ShowDemoOptions): () => void {
  const { stdout } = process
  const screen = openScreen(() => (
    <DemoScreen view={view()} columns={stdout.columns} rows={stdout.rows} color={color} onQuit={onQuit} />
  ))
  const timer = setInterval(() => screen.refresh(), FRAME_MS)
  return () => {
    clearInterval(timer)
    screen.close()
  }
}
