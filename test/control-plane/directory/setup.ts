import { onTestFinished } from 'vitest'
import type { ServedEndpoint, ServiceView } from '../../../src/core/control-plane/directory/contract.js'
import {
  createDirectory,
  type DirectoryOptions,
  type ServiceDirectory,
} from '../../../src/core/control-plane/directory/directory.js'
import type { DirectoryEvent } from '../../../src/core/control-plane/directory/events.js'
import type { Lookup } from '../../../src/core/control-plane/directory/host-names.js'
import { createDataPlaneResolver } from '../../../src/core/discovery/data-plane-resolver.js'
import { createResolver } from '../../../src/core/discovery/resolver.js'
import { silentLogger } from '../../../src/core/runtime.js'
import { FakeStore } from '../../support/fake-store.js'
import { ManualClock, settle } from '../../support/manual-clock.js'
import { seededRandom } from '../../support/seeded-random.js'

export interface DirectoryUnderTest {
  readonly directory: ServiceDirectory
  readonly store: FakeStore
  readonly clock: ManualClock
  readonly events: DirectoryEvent[]
  /** Lets time pass in steps, with room for the exchanges that timers begin. */
  pass(ms: number): Promise<void>
  /** Writes a record of `web`, or of another service; null takes it out. */
  put(address: string, fields?: Readonly<Record<string, unknown>> | null, service?: string): void
  /** Collects the views of a service. */
  follow(service?: string): { readonly views: ServiceView[]; readonly end: () => void }
}

export interface SetUp extends DirectoryOptions {
  readonly lookup?: Lookup
  readonly knownServices?: readonly string[]
  readonly store?: FakeStore
}

/** A directory on a registry that does as it is told, in a time that stands still. Closed when the test ends. */
export function setUpDirectory(options: SetUp = {}): DirectoryUnderTest {
  const { lookup, knownServices, store = new FakeStore(), ...rest } = options
  const clock = new ManualClock()
  const runtime = { clock, random: seededRandom(1), log: silentLogger }
  const registry = createResolver(store, { reconcileIntervalMs: 1e9 }, runtime)
  const events: DirectoryEvent[] = []
  const directory = createDirectory(
    { onEvent: (event) => events.push(event), ...rest },
    {
      resolver: createDataPlaneResolver(registry, {}, runtime),
      events: (signal) => registry.events(undefined, signal),
      knownServices,
      ...(lookup && { lookup }),
    },
    runtime,
  )
  onTestFinished(() => directory.close())
  return {
    directory,
    store,
    clock,
    events,
    async pass(ms) {
      for (let step = 0; step < 20; step++) {
        await clock.advance(ms / 20)
        for (let turn = 0; turn < 8; turn++) await settle()
      }
    },
    put(address, fields = {}, service = 'web') {
      const value = fields && JSON.stringify({ Op: 0, Addr: address, Metadata: fields })
      store.write([`/ns/${service}/${address}`, value])
    },
    follow(service = 'web') {
      const views: ServiceView[] = []
      return { views, end: directory.follow(service, (view) => views.push(view)) }
    },
  }
}

/** Endpoints in short: `ip:port`, with weight and state where they are not 1 and usable. */
export function short(endpoints: readonly ServedEndpoint[]): string[] {
  return endpoints.map(({ ip, port, weight, state }) => {
    return `${ip}:${port}${weight === 1 ? '' : `@${weight}`}${state === 'usable' ? '' : ` ${state}`}`
  })
}
