import { writeSync } from 'node:fs'
import { render } from 'ink'
import type { ReactElement } from 'react'

const ENTER = '\x1b[?1049h'
const CLEAR = '\x1b[2J\x1b[H'
/** Leaves the alternate screen and shows the cursor. */
const LEAVE = '\x1b[?1049l\x1b[?25h'

export interface Screen {
  /** Draws again. */
  refresh(): void
  /** Gives the terminal back as it was. Idempotent. */
  close(): void
}

type TerminalOutput = NodeJS.WriteStream & { readonly fd: number }

/**
 * Takes the terminal over (alternate screen, raw keys) and shows what `frame` returns, again after each change of the
 * terminal's size. The terminal is given back by `close`, and when the process exits in any way it can notice.
 */
export function openScreen(frame: () => ReactElement): Screen {
  const stdout = process.stdout as TerminalOutput
  const start = () => {
    stdout.write(CLEAR)
    // Not incrementalRendering: after a frame that is lower than the terminal it writes one line too low (Ink 6.8).
    return render(frame(), { exitOnCtrlC: false, patchConsole: false })
  }
  let closed = false
  let resizing: NodeJS.Immediate | undefined

  const close = () => {
    if (closed) return
    closed = true
    process.off('exit', close)
    stdout.off('resize', onResize)
    clearImmediate(resizing)
    instance.unmount()
    writeSync(stdout.fd, LEAVE)
  }
  // What is on the screen after a change of size is anyone's guess: start over, once Ink's own listener has run.
  const onResize = () => {
    clearImmediate(resizing)
    resizing = setImmediate(() => {
      instance.unmount()
      instance = start()
    })
  }

  process.on('exit', close)
  stdout.on('resize', onResize)
  stdout.write(ENTER)
  let instance = start()
  return { refresh: () => instance.rerender(frame()), close }
}
