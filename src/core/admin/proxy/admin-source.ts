import type { Runtime } from '../../runtime.js'
import { ProcessLife } from '../process.js'
import type { AdminSource } from '../source.js'
import { EventFeed } from './event-feed.js'
import { proxySeries } from './series.js'
import { setRoute } from './set-route.js'
import type { ProxySource } from './source.js'
import { StateKeeper, unready } from './state-keeper.js'
import { statePieces } from './state-text.js'

/** What an admin endpoint shows of a proxy. Follows `source` from now on. */
export function proxyAdminSource(
  source: ProxySource,
  facts: { readonly version: string; readonly pid: number },
  runtime: Runtime,
): AdminSource {
  const { workers } = source
  const life = new ProcessLife({ kind: 'proxy', workers, ...facts }, runtime.clock)
  const feed: EventFeed = new EventFeed(source, runtime, () => keeper.read())
  const keeper = new StateKeeper(source, life, runtime.clock, (listeners) => feed.seen(listeners))
  return {
    events: feed.log,
    routes: new Map([['/set', setRoute(source)]]),
    configuration: () => source.configuration(),
    async readiness() {
      const listeners = await keeper.read()
      const { ready } = keeper.process(listeners, null)
      return {
        status: ready ? 'ready' : life.draining ? 'draining' : 'starting',
        unready: unready(listeners).map(({ listen }) => listen),
      }
    },
    state: async (actions) => statePieces(await keeper.state(source.set ? actions : null)),
    async metrics() {
      const listeners = await keeper.read()
      return proxySeries(keeper.process(listeners, null), listeners)
    },
    drain() {
      life.draining = true
    },
    close: () => feed.close(),
  }
}
