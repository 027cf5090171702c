/**
 * A program: ends the processes named on its stdin (`+PID`, `-PID` lines) when that stdin closes. Its parent's death, in
 * whatever way, closes it.
 */
import { createInterface } from 'node:readline'

const GRACE_MS = 3000

const pids = new Set<number>()
const lines = createInterface({ input: process.stdin })

lines.on('line', (line) => {
  const pid = Number(line.slice(1))
  if (line.startsWith('+')) pids.add(pid)
  else pids.delete(pid)
})

lines.on('close', () => {
  for (const pid of pids) kill(pid, 'SIGTERM')
  if (pids.size > 0) setTimeout(() => pids.forEach((pid) => kill(-pid, 'SIGKILL')), GRACE_MS)
})

// A terminal's Ctrl-C is for the parent; the guardian leaves when the parent has.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}
