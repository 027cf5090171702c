import type { EndpointReading, FollowedReading } from '../../src/core/control-plane/directory/reading.js'
import type { Meter } from '../../src/core/control-plane/meter.js'
import type { ControlPlaneReading, ReadableStream, StreamReading } from '../../src/core/control-plane/reading.js'
import type { RegistryReading } from '../../src/core/discovery/registry-account.js'

export interface Rest {
  readonly isReady?: boolean
  readonly stale?: RegistryReading['stale']
  readonly meters?: readonly Meter[]
}

/** A control plane that speaks xDS, with two streams that ask for each of its services. */
export function controlPlaneReading(
  services: readonly FollowedReading[],
  { isReady = true, stale, meters = [] }: Rest = {},
): ControlPlaneReading {
  return {
    listeners: [{ protocol: 'xds', listen: 'xds://127.0.0.1:18000' }],
    directory: { isReady, registry: { revision: '9', changedAt: 1, stale }, services },
    services: services.map((followed) => ({ followed, followers: { xds: 2 } })),
    meters: meters.map((meter) => meter.read()),
  }
}

export function followedReading(
  service: string,
  endpoints: readonly EndpointReading[],
  rest: Partial<FollowedReading> = {},
): FollowedReading {
  const told = (state: EndpointReading['told']) => endpoints.filter((endpoint) => endpoint.told === state).length
  return {
    ...{ service, exists: true, policy: undefined, panic: false, toldAt: 2, registered: endpoints.length },
    registry: { revision: '8', changedAt: 1, stale: undefined },
    told: { usable: told('usable'), draining: told('draining'), unhealthy: told('unhealthy') },
    load: { requests: 0, failed: 0, dropped: 0 },
    endpoints: () => endpoints,
    ...rest,
  }
}

/** An endpoint that clients are told of. */
export function toldEndpoint(address: string, rest: Partial<EndpointReading> = {}): EndpointReading {
  return {
    ...{ id: address, address, dialed: address, zone: undefined, role: 'server', state: 'ready', weight: 3 },
    ...{ verdict: 'ready', health: 'healthy', fault: undefined, told: 'usable', toldWeight: 3 },
    ...rest,
  }
}

/** A stream of a client that has said nothing but who it is. */
export function streamReading(rest: Partial<StreamReading> = {}): ReadableStream {
  return {
    read: () => ({
      ...{ client: '10.9.9.9:1 (me)', since: 0, zone: undefined, subscriptions: [], lastNack: undefined, load: [] },
      ...rest,
    }),
  }
}
