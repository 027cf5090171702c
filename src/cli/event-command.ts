import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { jsonText } from './output/json.js'
import type { WatchLine } from './output/event-document.js'

/**
 * Runs `command` through `sh -c` for one event and waits for its end. What comes from the registry is never part of the command: it is in
 * the environment (FAIRLEAD_EVENT, FAIRLEAD_SERVICE, FAIRLEAD_ADDRESS, FAIRLEAD_REVISION) and as JSON on stdin. Output goes
 * where this process's goes. `signal` ends the command with SIGTERM. Returns its exit status, or the name of the signal that ended it.
 */
export async function runForEvent(command: string, line: WatchLine, signal: AbortSignal): Promise<number | string> {
  const { type, service } = line.json
  const env = {
    ...process.env,
    FAIRLEAD_EVENT: type,
    FAIRLEAD_SERVICE: service ?? '',
    FAIRLEAD_ADDRESS: line.address ?? '',
    FAIRLEAD_REVISION: String(line.revision),
  }
  const child = spawn('/bin/sh', ['-c', command], { env, stdio: ['pipe', 'inherit', 'inherit'] })
  const onAbort = () => child.kill()
  signal.addEventListener('abort', onAbort, { once: true })
  // A command that does not read its input is no error.
  child.stdin.on('error', () => undefined)
  child.stdin.end(`${jsonText(line.json)}\n`)
  try {
    const [status, signalName] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    return status ?? signalName ?? 1
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
