import { join } from 'node:path'
import type { Runtime } from '../core/runtime.js'
import { ProcessTree } from './process-tree.js'
import { Stage } from './stage.js'
import { type DemoEvent, DemoState, type DemoView } from './state.js'

const SERVICE = 'web'

/** Below this the story does not fit. Milliseconds. */
export const SHORTEST_DEMO_MS = 2000

export interface DemoOptions {
  /** The installed package: where bin/ and dist/ are. */
  readonly root: string
  /** How long the load lasts, milliseconds; longer if the story is not over by then. */
  readonly durationMs: number
  /** Ends the demo early, in good order. */
  readonly signal: AbortSignal
  readonly runtime: Runtime
  readonly onEvent: (event: DemoEvent) => void
}

export interface Demo {
  view(): DemoView
  /**
   * Resolves with the last figures when every process has ended, early if the signal aborted. Rejects, with every process
   * ended as well, when one of them failed.
   */
  readonly finished: Promise<DemoView>
}

/**
 * Plays the demo: a registry, three wrapped backends, a proxy and load, each a process of its own on loopback ports from
 * the operating system. Halfway one backend is told to end, and is started again.
 */
export function startDemo(options: DemoOptions): Demo {
  const { clock } = options.runtime
  const startedAt = clock.now()
  const state = new DemoState(SERVICE, options.durationMs, () => clock.now() - startedAt, options.onEvent)
  return { view: () => state.view(), finished: play(options, state) }
}

async function play(options: DemoOptions, state: DemoState): Promise<DemoView> {
  const tree = new ProcessTree([join(options.root, 'dist/demo/guardian.js')], ownEnvironment(), options.runtime.clock)
  const over = new AbortController()
  const stage = new Stage(options, state, tree, AbortSignal.any([options.signal, over.signal]))
  const played = stage.play()
  try {
    await Promise.race([played, tree.failed])
  } catch (error) {
    if (!options.signal.aborted) throw error
  } finally {
    over.abort()
    await played.catch(() => {})
    await tree.close()
  }
  return state.view()
}

/** The environment without anything that would configure the commands of the demo from outside. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(FAIRLEAD|ETCDCTL)_/.test(name)))
}
