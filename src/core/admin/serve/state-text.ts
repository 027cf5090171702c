import type { ControlPlaneReading } from '../../control-plane/reading.js'
import { compareText } from '../../model/order.js'
import { listed, openEnded } from '../json-pieces.js'
import type { ProcessState } from '../process.js'
import { viewRegistry } from '../registry-view.js'
import type { ServeState } from './state.js'
import { MOST_CLIENTS, viewClients, viewService } from './view.js'

/** The document of `GET /state`, in pieces that each take little time to make; undefined: nothing listens yet. */
export function* statePieces(
  process: ProcessState,
  time: string,
  reading: ControlPlaneReading | undefined,
): Generator<string, void, undefined> {
  const { listeners = [], services = [], meters = [], directory } = reading ?? {}
  const nothing = { revision: undefined, changedAt: undefined, stale: undefined }
  const head: Omit<ServeState, 'services' | 'clients'> = {
    ...{ schemaVersion: 1, time, process, listeners },
    registry: viewRegistry(directory?.registry ?? nothing),
    streams: Object.fromEntries(meters.map(({ protocol, open }) => [protocol, open])),
    clientsOmitted: meters.reduce((sum, { open }) => sum + Math.max(0, open - MOST_CLIENTS), 0),
  }
  yield `${openEnded(head)},"services":[`
  const byName = [...services].sort((a, b) => compareText(a.followed.service, b.followed.service))
  for (const [i, service] of byName.entries()) {
    const { head: own, endpoints } = viewService(service)
    yield `${i > 0 ? ',' : ''}${openEnded(own)},"endpoints":[`
    yield* listed(endpoints())
    yield ']}'
  }
  yield '],"clients":['
  yield* listed(clientsOf(meters))
  yield ']}\n'
}

function* clientsOf(meters: ControlPlaneReading['meters']) {
  for (const meter of meters) yield* viewClients(meter)
}
