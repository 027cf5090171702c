import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer } from 'node:net'
import { type MethodDefinition, type ServiceDefinition, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { service as healthDefinition } from 'grpc-health-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadProto } from '../../../src/core/protos/load.js'
import { eventually } from '../../support/eventually.js'
import { FakeStore } from '../../support/fake-store.js'
import { freePort } from '../../support/real-etcd.js'
import { call, client, listener, start, startOnOnePort, stream } from './setup.js'

type Method = MethodDefinition<object, object>

const health = healthDefinition as unknown as Record<'Check' | 'Watch' | 'List', Method>
const balancer = loadProto('grpclb')['grpc.lb.v1.LoadBalancer'] as ServiceDefinition as Record<'BalanceLoad', Method>
const LB = 'grpc.lb.v1.LoadBalancer'
const ADS = 'envoy.service.discovery.v3.AggregatedDiscoveryService'

describe('a control plane', () => {
  it('listens where it is told and says where', async () => {
    const { controlPlane, events } = await start({
      listeners: [listener('xds', '127.0.0.1:0'), listener('grpclb', '[::1]:0')],
    })
    expect(controlPlane.listening).toEqual([
      expect.stringMatching(/^xds:\/\/127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^grpclb:\/\/\[::1\]:\d+$/),
    ])
    expect(controlPlane.listening.join()).not.toMatch(/:0\b/)
    expect(events).toEqual(
      controlPlane.listening.map((listen) => ({ event: 'listening', protocol: listen.split(':')[0], listen })),
    )
  })

  it('answers to several protocols on one port', async () => {
    const { controlPlane, address } = await startOnOnePort()
    expect(controlPlane.listening).toEqual([`xds://${address}`, `grpclb://${address}`])
    const { statuses } = await call<{ statuses: object }>(client(address), health.List, {})
    expect(Object.keys(statuses).sort()).toEqual(['', ADS, LB])
  })

  it('listens nowhere where one address is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as { port: number }
    const free = await freePort()
    const starting = start({ listeners: [listener('xds', `${free}`), listener('grpclb', `${port}`)] })
    await expect(starting).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: `127.0.0.1:${port} is already in use`,
    })
    await expect(connected(free)).rejects.toThrow('ECONNREFUSED')
  })

  it('refuses to start with nothing to listen on', async () => {
    await expect(start({ listeners: [] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('ends every stream when it drains, and is gone at once afterwards', async () => {
    const { controlPlane, address, events } = await start({ listeners: [listener('grpclb', '0')] })
    const opened = stream(client(address), balancer.BalanceLoad, {})
    await eventually(() => opened.messages.length === 1)
    await controlPlane.drain(60_000)
    expect(await opened.ended).toMatchObject({ code: status.UNAVAILABLE, details: 'over' })
    await expect(connected(Number(address.split(':')[1]))).rejects.toThrow('ECONNREFUSED')
    expect(events.map(({ event }) => event)).toEqual(['listening', 'draining', 'stopped'])
    await controlPlane.drain(60_000)
    await controlPlane.close()
    expect(events).toHaveLength(3)
  })

  it('breaks off what is still open when the time to drain is over', async () => {
    const { controlPlane, address, clock } = await start({
      listeners: [listener('grpclb', '0', { isStubborn: true })],
    })
    const opened = stream(client(address), balancer.BalanceLoad, {})
    await eventually(() => opened.messages.length === 1)
    let isOver = false
    const draining = controlPlane.drain(5000).then(() => (isOver = true))
    await clock.advance(4999)
    opened.write({})
    await eventually(() => opened.messages.length === 2)
    expect(isOver).toBe(false)
    await clock.advance(1)
    await draining
    expect((await opened.ended).code).not.toBe(status.OK)
    expect(clock.pending).toBe(0)
  })
})

describe('its health service', () => {
  it('says NOT_SERVING until the registry has said something', async () => {
    const store = new FakeStore()
    store.isAway = true
    const { address, clock } = await start({ listeners: [listener('grpclb', '0')] }, store)
    const asking = client(address)
    const check = (service: string) => call(asking, health.Check, { service })
    expect(await check('')).toEqual({ status: 'NOT_SERVING' })
    expect(await check(LB)).toEqual({ status: 'NOT_SERVING' })
    const watch = stream(asking, health.Watch, { service: LB })
    await eventually(() => watch.messages.length === 1)
    store.isAway = false
    await clock.advance(10_000)
    await eventually(() => watch.messages.length === 2)
    expect(watch.messages).toEqual([{ status: 'NOT_SERVING' }, { status: 'SERVING' }])
    expect(await check('')).toEqual({ status: 'SERVING' })
    expect(await check(LB)).toEqual({ status: 'SERVING' })
  })

  it('knows nothing of other services', async () => {
    const { address } = await start({ listeners: [listener('grpclb', '0')] })
    const asking = client(address)
    await expect(call(asking, health.Check, { service: 'web' })).rejects.toMatchObject({ code: status.NOT_FOUND })
    const watch = stream(asking, health.Watch, { service: 'web' })
    await eventually(() => watch.messages.length === 1)
    expect(watch.messages).toEqual([{ status: 'SERVICE_UNKNOWN' }])
  })

  it('says NOT_SERVING and ends its watches when the server drains', async () => {
    const { controlPlane, address } = await start({ listeners: [listener('grpclb', '0')] })
    const watch = stream<{ status: string }>(client(address), health.Watch, { service: '' })
    await eventually(() => watch.messages.at(-1)?.status === 'SERVING')
    await controlPlane.drain(60_000)
    expect((await watch.ended).code).toBe(status.UNAVAILABLE)
    expect(watch.messages.at(-1)).toEqual({ status: 'NOT_SERVING' })
  })
})

describe('what is on every server', () => {
  interface Answer {
    readonly list_services_response?: { readonly service: readonly { readonly name: string }[] }
    readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] }
    readonly error_response?: { readonly error_code: number }
  }

  const require = createRequire(import.meta.url)
  const reflectionOf = (version: string) => {
    const file = require.resolve(`@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`)
    const name = `grpc.reflection.${version}.ServerReflection`
    return loadSync(file, { keepCase: true })[name] as Record<string, Method>
  }

  it.each(['v1', 'v1alpha'])('is reflection, %s', async (version) => {
    const { ServerReflectionInfo } = reflectionOf(version)
    const { address } = await startOnOnePort()
    const asked = stream<Answer>(client(address), ServerReflectionInfo!, { list_services: '*' })
    for (const symbol of [LB, ADS, 'grpc.health.v1.Health', 'nothing.of.ours']) {
      asked.write({ file_containing_symbol: symbol })
    }
    await eventually(() => asked.messages.length === 5)
    asked.end()
    expect((await asked.ended).code).toBe(status.OK)
    const [list, ...files] = asked.messages
    expect(list!.list_services_response!.service.map(({ name }) => name).sort()).toEqual([
      ADS,
      'grpc.channelz.v1.Channelz',
      'grpc.health.v1.Health',
      LB,
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ])
    expect(files.at(-1)!.error_response).toBeDefined()
    for (const { file_descriptor_response: found } of files.slice(0, 3)) {
      expect(found!.file_descriptor_proto.length).toBeGreaterThan(0)
    }
  })

  it('is channelz', async () => {
    const file = require.resolve('@grpc/grpc-js/proto/channelz.proto')
    const channelz = loadSync(file, { keepCase: true })['grpc.channelz.v1.Channelz'] as Record<string, Method>
    const { address } = await start({ listeners: [listener('grpclb', '0')] })
    const answer = await call<{ server: object[] }>(client(address), channelz.GetServers!, {})
    expect(answer.server).toContainEqual(expect.objectContaining({ ref: expect.anything() as object }))
  })
})

describe('hostile clients', () => {
  it('hurt nobody with bytes that are no HTTP/2, no message, or no method', async () => {
    const { address } = await start({ listeners: [listener('grpclb', '0')] })
    const witness = stream(client(address), balancer.BalanceLoad, {})
    await eventually(() => witness.messages.length === 1)

    const socket = await connected(Number(address.split(':')[1]))
    socket.on('error', () => undefined)
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\xff\xff\x04\x00nonsense')
    socket.resume()
    await once(socket, 'close')

    const garbage = { ...balancer.BalanceLoad, requestSerialize: () => Buffer.from([0x0a, 0xff, 0xff, 0xff]) }
    expect((await stream(client(address), garbage, {}).ended).code).not.toBe(status.OK)
    const unknown = { ...health.Check, path: '/grpc.lb.v1.LoadBalancer/Nothing' }
    await expect(call(client(address), unknown, {})).rejects.toMatchObject({ code: status.UNIMPLEMENTED })

    witness.write({})
    await eventually(() => witness.messages.length === 2)
  })
})

async function connected(port: number) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  return socket
}
