import { afterEach, describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import type { Resolution } from '../../src/core/discovery/resolution.js'
import { FairleadError } from '../../src/core/errors.js'
import type { ProxyEvent } from '../../src/core/proxy/events.js'
import { parseListen } from '../../src/core/proxy/listen.js'
import { startProxy } from '../../src/core/proxy/proxy.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { endpoint, snapshot } from '../support/balancing.js'
import { cleanUp, cleanup, HandResolver, startTestProxy, until } from './support.js'

afterEach(cleanUp)

describe('a proxy whose registry refuses it', () => {
  it.each(['UNAUTHENTICATED', 'PERMISSION_DENIED'] as const)('does not start on %s', async (code) => {
    const resolver = new HandResolver()
    resolver.lose(new FairleadError(code, 'not you'))
    await expect(startTestProxy('web', { resolver })).rejects.toMatchObject({ code })
  })

  it('starts while the registry is only away', async () => {
    const resolver = new HandResolver()
    resolver.lose(new FairleadError('UNAVAILABLE', 'nobody there'))
    const { events } = await startTestProxy('web', { resolver })
    expect(events.map(({ event }) => event)).toEqual(['listening', 'stale'])
  })

  it('goes on with what it knows when it is refused later', async () => {
    const resolver = new HandResolver()
    resolver.set('127.0.0.1:1')
    const { proxy, events } = await startTestProxy('web', { resolver })
    resolver.lose(new FairleadError('UNAUTHENTICATED', 'the password was changed'))
    await until(() => events.at(-1)?.event === 'stale', 'it says so')
    expect(proxy.stats()[0]).toMatchObject({ stale: true })
  })
})

it('a proxy tells of a policy that the service config changes', async () => {
  let config: Record<string, unknown> = {}
  let changed!: () => void
  const change = new Promise<void>((resolve) => (changed = resolve))
  async function* resolve(): AsyncGenerator<Resolution> {
    yield { kind: 'snapshot', snapshot: snapshot([endpoint(1)]), departed: new Set() }
    await change
    yield { kind: 'snapshot', snapshot: { ...snapshot([endpoint(1)]), serviceConfig: config }, departed: new Set() }
  }
  const events: ProxyEvent[] = []
  const proxy = await startProxy(
    { listeners: [parseListen('tcp://127.0.0.1:0=web')], onEvent: (event) => events.push(event) },
    { resolver: { resolve, disprove: () => {} }, createBalancer: () => createBalancer({}, systemRuntime) },
    systemRuntime,
  )
  cleanup(() => proxy.close())
  expect(events).toMatchObject([{ event: 'listening', policy: 'weighted_round_robin' }])
  config = { loadBalancingConfig: [{ maglev: {} }] }
  changed()
  await until(() => events.length > 1, 'it says so')
  expect(events[1]).toMatchObject({ event: 'endpoints', policy: 'maglev', ready: 1 })
})
