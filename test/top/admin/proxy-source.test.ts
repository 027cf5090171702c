import { describe, expect, it, onTestFinished } from 'vitest'
import { systemRuntime } from '../../../src/core/runtime.js'
import { parseAdminAddress } from '../../../src/top/admin/address.js'
import { AdminClient } from '../../../src/top/admin/client.js'
import { ProxySource } from '../../../src/top/admin/proxy-source.js'
import { BoardStore } from '../../../src/top/board-store.js'
import { carryOut } from '../../../src/top/carry-out.js'
import { eventually } from '../../support/eventually.js'
import { startFakeAdmin } from '../support/admin-server.js'
import { adminState, busyListener, NOW } from '../support/states.js'

function follow(address: string, token?: string) {
  const { clock } = systemRuntime
  const store = new BoardStore(clock)
  const client = new AdminClient(parseAdminAddress(address), { timeoutMs: 5000, token }, clock)
  const source = new ProxySource(address, client, store, systemRuntime)
  onTestFinished(() => {
    source.close()
    store.close()
  })
  return { store, source }
}

const CHANGE = { service: 'greeter', address: '10.0.0.5:8080', weight: 3 }

describe('ProxySource', () => {
  it('shows the state, again and again, and what happens', async () => {
    const admin = await startFakeAdmin(adminState([busyListener()]))
    const { store, source } = follow(admin.address)
    await source.ready
    await eventually(() => store.board().sections.length === 1)
    expect(store.board()).toMatchObject({
      sources: [{ name: admin.address, state: 'live' }],
      sections: [{ service: 'greeter', traffic: { rate: 8214 } }],
    })
    admin.state = adminState([busyListener({ ratePerSecond: 5 })])
    await eventually(() => store.board().sections[0]!.traffic!.rate === 5)
    await eventually(() => admin.requests.includes('GET /events?recent=100'))
    const event = { event: 'live', listen: 'x', service: 'greeter' }
    admin.tell({ seq: 1, time: new Date(NOW).toISOString(), ...event })
    await eventually(() => store.board().events.some(({ word }) => word === 'live'))
  })

  it('keeps what it knew while the proxy is away, and goes on when it is back', async () => {
    const admin = await startFakeAdmin(adminState([busyListener()]))
    const { store, source } = follow(admin.address)
    await source.ready
    admin.close()
    await eventually(() => store.board().sources[0]?.state === 'away')
    expect(store.board().sources[0]!.reason).toContain('no admin endpoint answers')
    expect(store.board().sections).toMatchObject([{ service: 'greeter', source: { state: 'away' } }])
    const again = await startFakeAdmin(
      adminState([busyListener({ service: 'web' })]),
      Number(admin.address.split(':')[1]),
    )
    await eventually(() => store.board().sections[0]?.service === 'web')
    expect(store.board().sources[0]!.state).toBe('live')
    await eventually(() => again.requests.some((request) => request.startsWith('GET /events')))
  })

  it('tells whoever waits that there was nothing at first', async () => {
    const admin = await startFakeAdmin(adminState([]))
    admin.state = 500
    const { source } = follow(admin.address)
    await expect(source.ready).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('leaves the board when it is closed, and asks no more', async () => {
    const admin = await startFakeAdmin(adminState([busyListener()]))
    const { store, source } = follow(admin.address)
    await source.ready
    await eventually(() => store.board().sources.length === 1)
    source.close()
    await eventually(() => store.board().sources.length === 0)
    const asked = admin.requests.length
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(admin.requests).toHaveLength(asked)
  })

  it('has changes made, and tells what became of them', async () => {
    const admin = await startFakeAdmin(adminState([busyListener()]))
    const { store, source } = follow(admin.address, 'sixteen characters')
    const { clock } = systemRuntime
    await carryOut({ ...CHANGE, source: source.name, to: { state: 'drain' } }, [source], store, clock)
    await carryOut({ ...CHANGE, source: source.name, to: { weight: 7 } }, [source], store, clock)
    const authorization = 'Bearer sixteen characters'
    expect(admin.posted).toEqual([
      { body: { service: 'greeter', address: '10.0.0.5:8080', state: 'drain' }, authorization },
      { body: { service: 'greeter', address: '10.0.0.5:8080', weight: 7 }, authorization },
    ])
    await eventually(() => store.board().events.length === 2)
    expect(store.board().events.map(({ word, text }) => [word, text])).toEqual([
      ['set', 'greeter: drain'],
      ['set', 'greeter: weight 7'],
    ])
  })

  it('tells why a change was refused', async () => {
    const admin = await startFakeAdmin(adminState([busyListener()]))
    const { store, source } = follow(admin.address)
    await carryOut({ ...CHANGE, source: source.name, to: { state: 'ready' } }, [source], store, systemRuntime.clock)
    await carryOut({ ...CHANGE, source: 'another', to: { state: 'ready' } }, [source], store, systemRuntime.clock)
    await eventually(() => store.board().events.length === 2)
    expect(store.board().events.map(({ word, text }) => [word, text])).toEqual([
      ['refused', 'greeter: ready: the token is missing or wrong'],
      ['refused', 'greeter: ready: another is gone'],
    ])
  })
})
