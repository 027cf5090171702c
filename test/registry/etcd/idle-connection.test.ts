import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { openEtcdStore } from '../../../src/core/registry/etcd/index.js'
import { systemRuntime } from '../../../src/core/runtime.js'

afterEach(() => vi.useRealTimers())

it('pings a connection only while a call is open on it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const seen: string[] = []
  const server = createServer()
  server.on('session', (session) => session.on('ping', () => seen.push('ping')))
  server.on('stream', (stream) => {
    seen.push('call')
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const store = openEtcdStore({ endpoints: [`127.0.0.1:${port}`] }, systemRuntime)
  try {
    await expect(store.get('/a')).rejects.toMatchObject({ code: 'REFUSED' })
    vi.advanceTimersByTime(60_000)
    for (let turn = 0; turn < 200; turn++) await nextTurn()
    expect(seen).toEqual(['call'])
    await expect(store.get('/a')).rejects.toMatchObject({ code: 'REFUSED' })
    expect(seen).toContain('ping')
  } finally {
    await store.close()
    server.close()
  }
})
