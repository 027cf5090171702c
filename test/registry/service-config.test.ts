import { describe, expect, it } from 'vitest'
import {
  decodeServiceConfig,
  getServiceConfig,
  setServiceConfig,
  unsetServiceConfig,
} from '../../src/core/registry/service-config.js'
import { ManualClock } from '../support/manual-clock.js'
import { MemoryStore } from '../support/memory-store.js'
import { storeEntry } from '../support/store-entry.js'

const code = (code: string) => expect.objectContaining({ code })

describe('a stored service config', () => {
  it('is set, read and removed', async () => {
    const store = new MemoryStore(new ManualClock())
    await expect(getServiceConfig(store, '/ns', 'web')).rejects.toThrow(code('NOT_FOUND'))
    await expect(unsetServiceConfig(store, '/ns', 'web')).rejects.toThrow(code('NOT_FOUND'))
    const config = { loadBalancingConfig: [{ round_robin: {} }] }
    await setServiceConfig(store, '/ns', 'web', config)
    expect(store.text('/ns/.config/web')).toBe('{"loadBalancingConfig":[{"round_robin":{}}]}')
    expect(await getServiceConfig(store, '/ns', 'web')).toEqual(config)
    await unsetServiceConfig(store, '/ns', 'web')
    expect(store.text('/ns/.config/web')).toBeUndefined()
  })

  it.each(['', '{', '[]', 'null', '"x"', '1'])('must be a JSON object, not %j', async (text) => {
    expect(decodeServiceConfig(storeEntry('/ns/.config/web', text))).toMatchObject({ reason: expect.any(String) })
    const store = new MemoryStore(new ManualClock())
    await store.put('/ns/.config/web', text)
    await expect(getServiceConfig(store, '/ns', 'web')).rejects.toThrow(code('NOT_FOUND'))
  })

  it('is not written where nobody would read it', async () => {
    const store = new MemoryStore(new ManualClock())
    const large = { comment: 'x'.repeat(256 * 1024) }
    await expect(setServiceConfig(store, '/ns', 'web', large)).rejects.toThrow(code('INVALID_ARGUMENT'))
    await expect(setServiceConfig(store, '/ns', 'web', [] as never)).rejects.toThrow(code('INVALID_ARGUMENT'))
    expect(store.text('/ns/.config/web')).toBeUndefined()
  })

  it('belongs to a service with a proper name', async () => {
    const store = new MemoryStore(new ManualClock())
    await expect(setServiceConfig(store, '/ns', 'a/b', {})).rejects.toThrow(code('INVALID_ARGUMENT'))
  })
})
