import { spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'

/**
 * Calls `onClosed` when nobody reads this process's stdout any more, also while nothing is written to it: so `watch | head -1` ends
 * although nothing else happens. Node cannot poll a pipe for that, but GNU tail does ("tail -f" ends with SIGPIPE when the reader of its
 * output goes away) and shares our stdout for it. Where there is no such tail, or stdout is no pipe, the next write tells.
 * Returns what ends the look-out.
 */
export function watchForClosedPipe(onClosed: () => void): () => void {
  if (!isPipe()) return () => undefined
  const args = ['-f', '-n', '0', `--pid=${process.pid}`, '/dev/null']
  const tail = spawn('tail', args, { stdio: ['ignore', 'inherit', 'ignore'] })
  tail.unref()
  tail.on('error', () => undefined)
  tail.on('exit', (_status, signal) => {
    if (signal === 'SIGPIPE') onClosed()
  })
  return () => tail.kill()
}

function isPipe(): boolean {
  try {
    return fstatSync(1).isFIFO()
  } catch {
    return false
  }
}
