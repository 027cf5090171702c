import type { ControlPlaneEvent } from '../../control-plane/events.js'
import type { ControlPlaneReading } from '../../control-plane/reading.js'
import type { Runtime } from '../../runtime.js'
import { EventLog } from '../event-log.js'
import { ProcessLife } from '../process.js'
import type { AdminSource, Readiness } from '../source.js'
import { isoTime } from '../time.js'
import { serveSeries } from './series.js'
import type { ServeSource } from './source.js'
import { statePieces } from './state-text.js'

/** What an admin endpoint shows of a control plane. Follows `source` from now on. */
export function serveAdminSource(
  source: ServeSource,
  facts: { readonly version: string; readonly pid: number },
  { clock }: Runtime,
): AdminSource {
  const life = new ProcessLife({ kind: 'serve', workers: 1, ...facts }, clock)
  const events = new EventLog(clock)
  const close = source.subscribe((event) => tell(events, event))
  const processOf = (reading: ControlPlaneReading | undefined) => life.state(missing(reading) === undefined, null)
  return {
    events,
    routes: new Map(),
    configuration: () => source.configuration(),
    async readiness(): Promise<Readiness> {
      const what = missing(source.read())
      const status = life.draining ? 'draining' : what === undefined ? 'ready' : 'starting'
      return { status, unready: what === undefined ? [] : [what] }
    },
    async state() {
      const reading = source.read()
      return statePieces(processOf(reading), isoTime(clock.wall()), reading)
    },
    async metrics() {
      const reading = source.read()
      return serveSeries(processOf(reading), reading)
    },
    drain() {
      life.draining = true
    },
    close,
  }
}

/** Every client reports its load every few seconds: those who read now hear of it, and nothing else is forgotten for it. */
function tell(log: EventLog, event: ControlPlaneEvent): void {
  if (event.event === 'load') log.pass(event)
  else log.add(event)
}

/** What keeps a control plane from having answers; undefined for nothing. */
function missing(reading: ControlPlaneReading | undefined): string | undefined {
  if (!reading) return 'it does not listen yet'
  const { isReady, registry } = reading.directory
  if (isReady) return undefined
  return `nothing is known of the registry${registry.stale ? `: ${registry.stale.reason}` : ' yet'}`
}
