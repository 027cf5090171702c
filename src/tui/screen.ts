import { writeSync } from 'node:fs'
import { render } from 'ink'
import type { ReactElement } from 'react'
import { FrameWriter } from './frame-writer.js'

const HIDE_CURSOR = '\x1b[?25l'
const CLEAR = '\x1b[2J\x1b[H'
const ENTER = `\x1b[?1049h${HIDE_CURSOR}${CLEAR}`
/** Leaves the alternate screen and shows the cursor. */
const LEAVE = '\x1b[0m\x1b[?1049l\x1b[?25h'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface Screen {
  /** Draws again. */
  refresh(): void
  /** Gives the terminal back for a while, as Ctrl-Z asks for, until the process is continued. */
  suspend(): void
  /** Gives the terminal back as it was. Idempotent. */
  close(): void
  /** Rejects when a view throws; the terminal has been given back by then. Never resolves. */
  readonly failed: Promise<never>
}

type TerminalOutput = NodeJS.WriteStream & { readonly fd: number }

/**
 * Takes the terminal over (alternate screen, raw keys) and shows what `frame` returns, again after each change of the
 * terminal's size. The terminal is given back by `close`, and when the process exits or crashes in any way it can notice.
 */
export function openScreen(frame: (size: Size) => ReactElement): Screen {
  const { stdin } = process
  const stdout = process.stdout as TerminalOutput
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })
  const { columns, rows } = size()
  const writer = new FrameWriter(columns, rows, (text) => stdout.write(text))
  let closed = false
  let fail: (error: unknown) => void
  const failed = new Promise<never>((_resolve, reject) => (fail = reject))
  failed.catch(() => {})

  const close = () => {
    if (closed) return
    closed = true
    process.off('exit', close)
    process.off('uncaughtExceptionMonitor', close)
    process.off('SIGCONT', resume)
    stdout.off('resize', onResize)
    writer.close()
    instance.unmount()
    writeSync(stdout.fd, LEAVE)
  }
  const refresh = () => {
    if (!closed) instance.rerender(frame(size()))
  }
  const redraw = () => {
    const { columns, rows } = size()
    writer.resize(columns, rows)
    refresh()
  }
  const onResize = () => {
    stdout.write(CLEAR)
    redraw()
  }
  let suspended = false
  const suspend = () => {
    suspended = true
    stdin.setRawMode(false)
    writeSync(stdout.fd, LEAVE)
    // The whole job, as a terminal does: the shell waits for who started this process.
    process.kill(0, 'SIGTSTP')
  }
  const resume = () => {
    if (!suspended) return
    suspended = false
    stdin.setRawMode(true)
    stdout.write(ENTER)
    redraw()
  }

  process.on('exit', close)
  process.on('uncaughtExceptionMonitor', close)
  process.on('SIGCONT', resume)
  stdout.on('resize', onResize)
  stdout.write(ENTER)
  // `debug` is what makes Ink write every frame as a whole, for the writer to compare.
  const instance = render(frame(size()), {
    stdout: writer as unknown as NodeJS.WriteStream,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  })
  instance.waitUntilExit().catch((error: unknown) => {
    close()
    fail(error)
  })
  return { refresh, suspend, close, failed }
}
