import type { EndpointReading, ListenerReading } from '../../proxy/reading.js'
import type { EndpointEvent, EndpointPlace } from '../events.js'

/** Works out from one reading to the next which endpoints joined, left and changed. */
export class EndpointChanges {
  #known = new Map<string, ReadonlyMap<string, EndpointPlace>>()

  /**
   * What is different from the last reading. Endpoints that are there when a listener first knows any have not joined.
   */
  take(listeners: readonly ListenerReading[]): EndpointEvent[] {
    const before = this.#known
    const knowing = listeners.filter(({ registry }) => registry.revision !== undefined)
    this.#known = new Map(
      knowing.map((listener) => [`${listener.listen} ${listener.service}`, placesOf(listener)] as const),
    )
    const events: EndpointEvent[] = []
    for (const [listener, places] of this.#known) {
      const earlier = before.get(listener)
      if (earlier) events.push(...changesOf(earlier, places))
    }
    return events
  }
}

function changesOf(
  before: ReadonlyMap<string, EndpointPlace>,
  now: ReadonlyMap<string, EndpointPlace>,
): EndpointEvent[] {
  const events: EndpointEvent[] = []
  for (const [address, place] of now) {
    const known = before.get(address)
    if (known === undefined) events.push({ event: 'joined', ...place })
    else if (known.weight !== place.weight || known.state !== place.state) {
      const { weight, state } = known
      events.push({ event: 'changed', ...place, before: { weight, state } })
    }
  }
  for (const [address, place] of before) if (!now.has(address)) events.push({ event: 'left', ...place })
  return events
}

function placesOf({ listen, service, endpoints }: ListenerReading): ReadonlyMap<string, EndpointPlace> {
  const place = ({ address, weight, zone, state }: EndpointReading): [string, EndpointPlace][] =>
    state === 'gone' ? [] : [[address, { listen, service, address, weight, zone: zone ?? null, state }]]
  return new Map(endpoints.flatMap(place))
}
