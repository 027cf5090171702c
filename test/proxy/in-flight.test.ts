import { connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import type { Balancer } from '../../src/core/balancer/contract.js'
import { parseListen } from '../../src/core/proxy/listen.js'
import { startProxy } from '../../src/core/proxy/proxy.js'
import type { Transport } from '../../src/core/proxy/transport/transport.js'
import { createSocketTransport } from '../../src/core/proxy/transport/socket-transport.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { freePort } from '../support/real-etcd.js'
import { cleanup, cleanUp, dial, ending, until } from './support.js'

afterEach(cleanUp)

/** A proxy in front of two endpoints, and the balancer inside it. */
async function start(transport: Transport) {
  const balancer: Balancer = createBalancer({}, systemRuntime)
  const target = `127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}`
  const proxy = await startProxy(
    { listeners: [parseListen(`127.0.0.1:0=${target}`)] },
    { createBalancer: () => balancer, transport },
    systemRuntime,
  )
  cleanup(() => proxy.close())
  const inFlight = () => balancer.status().upstreams.reduce((sum, { upstream }) => sum + upstream.inFlight, 0)
  return { proxy, inFlight, port: Number(/:(\d+)$/.exec(proxy.listening[0]!)![1]) }
}

it('is nothing after every attempt to connect has failed', async () => {
  const { port, inFlight } = await start(createSocketTransport())
  expect(await ending(connect(port, '127.0.0.1'))).toBe('ECONNRESET')
  expect(inFlight()).toBe(0)
})

it('is nothing after an attempt to connect was given up', async () => {
  const transport = { ...createSocketTransport(), dial: () => ({ cancel() {} }) }
  const { proxy, port, inFlight } = await start(transport)
  await dial(port)
  await until(() => inFlight() === 1, 'an endpoint is tried')
  await proxy.close()
  expect(inFlight()).toBe(0)
})
