/**
 * Runs `work` at every SIGHUP, until `signal` aborts; while that goes on, further ones make it run once more. `work` must
 * not reject.
 */
export function onHangup(work: () => Promise<void>, signal: AbortSignal): void {
  let running = false
  let again = false
  const run = async () => {
    again = running
    if (running) return
    running = true
    do {
      again = false
      await work()
    } while (again && !signal.aborted)
    running = false
  }
  const listener = () => void run()
  process.on('SIGHUP', listener)
  // Then the signal means nothing: it must not end a process that lets its connections finish.
  signal.addEventListener('abort', () => process.off('SIGHUP', listener).on('SIGHUP', () => undefined), { once: true })
}
