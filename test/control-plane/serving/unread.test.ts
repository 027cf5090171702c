import { createRequire } from 'node:module'
import { type MethodDefinition, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { service as healthDefinition } from 'grpc-health-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { DeafClient } from '../support/deaf-client.js'
import { call, client, listener, start } from './setup.js'

type Service = Record<string, MethodDefinition<object, object>>

const require = createRequire(import.meta.url)
const reflection = (version: string) => {
  const file = require.resolve(`@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`)
  const service = loadSync(file, { keepCase: true })[`grpc.reflection.${version}.ServerReflection`] as Service
  return service.ServerReflectionInfo!
}
const health = healthDefinition as unknown as Service

const MESSAGES = 300

async function startFlood(version: string) {
  const { address, controlPlane } = await start({ listeners: [listener('grpclb', '0')] })
  const { path, requestSerialize } = reflection(version)
  const flood = new DeafClient(address, path)
  onTestFinished(() => flood.close())
  const message = requestSerialize({ host: 'x'.repeat(4000), file_containing_symbol: 'grpc.lb.v1.LoadBalancer' })
  for (let i = 0; i < MESSAGES; i++) flood.send(message)
  return { address, controlPlane, flood }
}

describe.each(['v1', 'v1alpha'])('a client that reads nothing, of reflection %s', (version) => {
  it('is asked nothing more until it reads, and gets every answer and its end then', async () => {
    const { flood, address } = await startFlood(version)
    expect(await flood.stalled()).toBeLessThan(MESSAGES / 2)
    // Others are answered meanwhile.
    expect(await call(client(address), health.Check!, { service: '' })).toEqual({ status: 'SERVING' })
    flood.listen()
    flood.end()
    await eventually(() => flood.status !== undefined)
    expect(flood.status).toBe(status.OK)
    expect(flood.taken).toBe(MESSAGES)
  })
})

it('forgets a stream that is given up while it is held back', async () => {
  const { flood, controlPlane } = await startFlood('v1')
  await flood.stalled()
  flood.cancel()
  // Waits for all streams of all connections.
  await controlPlane.drain(60_000)
})
