import { explainVerdict } from '../../balancer/eligibility.js'
import type { LeftOut } from '../../control-plane/directory/dialable.js'
import type { EndpointReading } from '../../control-plane/directory/reading.js'
import type { MeterReading, ServiceReading, SubscriptionReading } from '../../control-plane/reading.js'
import { viewRegistry } from '../registry-view.js'
import { isoTime } from '../time.js'
import type { ClientView, ServedEndpointView, ServedServiceView } from './state.js'

/** Streams that are shown, of each protocol. */
export const MOST_CLIENTS = 1000
/** Names that are shown of each subscription, and services whose load is. */
const MOST_NAMES = 20

/** A service without its endpoints, and those. */
export interface ServiceInParts {
  readonly head: Omit<ServedServiceView, 'endpoints'>
  endpoints(): Iterable<ServedEndpointView>
}

export function viewService({ followed, followers }: ServiceReading): ServiceInParts {
  const { service, exists, policy, panic, registry, toldAt, registered, told, load } = followed
  return {
    head: {
      ...{ service, exists, policy: policy ?? null, panic },
      registry: viewRegistry(registry),
      toldAt: timeOf(toldAt),
      ...{ followers, registered, told, load },
    },
    *endpoints() {
      for (const endpoint of followed.endpoints()) yield viewEndpoint(endpoint)
    },
  }
}

/** The streams of a protocol, as far as they are shown. */
export function* viewClients({ protocol, streams }: MeterReading): Generator<ClientView, void, undefined> {
  let count = 0
  for (const stream of streams) {
    if (count++ === MOST_CLIENTS) return
    const { client, since, zone, subscriptions, lastNack, load } = stream.read()
    yield {
      ...{ client, protocol, since: isoTime(since), zone: zone ?? null },
      subscriptions: subscriptions.map(viewSubscription),
      lastNack: lastNack
        ? {
            time: isoTime(lastNack.at),
            type: lastNack.type,
            reason: lastNack.reason,
            resources: lastNack.resources,
          }
        : null,
      load: load.slice(0, MOST_NAMES).map(([service, counts]) => ({ service, ...counts })),
    }
  }
}

function viewSubscription({ type, all, names, version, rejection }: SubscriptionReading) {
  return {
    ...{ type, all, names: [...names].slice(0, MOST_NAMES), count: names.size },
    ...{ version: version ?? null, rejection: rejection ?? null },
  }
}

// One literal: there may be thousands, and putting objects together by spreading takes ten times as long.
function viewEndpoint(endpoint: EndpointReading): ServedEndpointView {
  const { verdict, fault } = endpoint
  return {
    address: endpoint.address,
    dialed: endpoint.dialed ?? null,
    id: endpoint.id,
    zone: endpoint.zone ?? null,
    role: endpoint.role,
    state: endpoint.state,
    weight: endpoint.weight,
    told: endpoint.told ?? null,
    toldWeight: endpoint.toldWeight ?? null,
    verdict,
    reason: isLeftOut(verdict) ? LEFT_OUT[verdict] : explainVerdict(verdict),
    health: endpoint.health,
    healthSince: timeOf(fault?.since),
    healthReason: fault?.reason ?? '',
  }
}

const LEFT_OUT: Readonly<Record<LeftOut, string>> = {
  balancer: explainVerdict('balancer'),
  refused_address: 'an address that must not be connected to',
  unresolved: 'its host name does not resolve',
  duplicate: 'other endpoints have the same addresses',
}

function isLeftOut(verdict: EndpointReading['verdict']): verdict is LeftOut {
  return verdict in LEFT_OUT
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms)
}
