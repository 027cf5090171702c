import { setTimeout as pause } from 'node:timers/promises'

/** Repeats `look` until it neither throws nor returns false, and returns what it returned; throws its last failure when time is up. */
export async function eventually<T>(look: () => T | Promise<T>, timeoutMs = 15_000): Promise<Exclude<T, false>> {
  const end = performance.now() + timeoutMs
  for (;;) {
    let failure: unknown = new Error(`the condition did not come about within ${timeoutMs} ms: ${look}`)
    try {
      const result = await look()
      if (result !== false) return result as Exclude<T, false>
    } catch (error) {
      failure = error
    }
    if (performance.now() > end) throw failure
    await pause(30)
  }
}
