import { createServer as createHttp2Server } from 'node:http2'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { Server, ServerCredentials, ServerMetricRecorder } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import type { LoadReport } from '../../src/core/balancer/orca/load-report.js'
import type { LoadPeer } from '../../src/core/load/load-stream.js'
import { openLoadStream } from '../../src/core/load/oob.js'
import { identityError } from '../../src/core/health/certificate-identity.js'
import { makeCertificates } from '../support/certificates.js'
import { eventually } from '../support/eventually.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

/** A server that offers reports, or (without a recorder) none. */
async function serve(recorder?: ServerMetricRecorder, creds = ServerCredentials.createInsecure(), port = 0) {
  const server = new Server()
  recorder?.addToServer(server)
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, creds, (error, found) => (error ? reject(error) : resolve(found)))
  })
  closers.push(() => server.forceShutdown())
  return { port: bound, stop: () => server.forceShutdown() }
}

/** What comes of asking. */
function ask(peer: LoadPeer, periodMs = 100) {
  const heard = { reports: [] as LoadReport[], unsupported: 0, ended: [] as string[] }
  const close = openLoadStream(peer, periodMs, {
    report: (load) => heard.reports.push(load),
    unsupported: () => heard.unsupported++,
    ended: (reason) => heard.ended.push(reason),
  })
  closers.push(close)
  return { heard, close }
}

describe('load reports out of band', () => {
  it('come from grpc-js’s recorder for as long as they are wanted', async () => {
    const recorder = new ServerMetricRecorder()
    recorder.setQpsMetric(120)
    recorder.setEpsMetric(3)
    recorder.setCpuUtilizationMetric(0.25)
    recorder.setApplicationUtilizationMetric(0.5)
    const { port } = await serve(recorder)
    const { heard, close } = ask({ host: '127.0.0.1', port })
    await eventually(() => heard.reports.length >= 2)
    expect(heard.reports[0]).toEqual({ rps: 120, eps: 3, cpuUtilization: 0.25, applicationUtilization: 0.5 })
    recorder.setQpsMetric(240)
    await eventually(() => heard.reports.at(-1)!.rps === 240)
    close()
    expect(heard).toMatchObject({ unsupported: 0, ended: [] })
  })

  it('are asked for once on a connection where there are none, and the loss of that is told', async () => {
    const { port, stop } = await serve()
    const { heard } = ask({ host: '127.0.0.1', port })
    await eventually(() => heard.unsupported === 1)
    expect(heard.ended).toEqual([])
    stop()
    await eventually(() => heard.ended.length === 1)
    expect(heard).toMatchObject({ reports: [], unsupported: 1 })
  })

  it('end with a reason where nobody listens, the server goes or a name is unknown', async () => {
    const recorder = new ServerMetricRecorder()
    const { port, stop } = await serve(recorder)
    const { heard } = ask({ host: '127.0.0.1', port })
    await eventually(() => heard.reports.length > 0)
    stop()
    await eventually(() => heard.ended.length === 1)
    const again = ask({ host: '127.0.0.1', port })
    await eventually(() => again.heard.ended.length === 1)
    expect(again.heard.ended[0]).toMatch(/ECONNREFUSED/)
    const unknown = ask({
      host: 'nowhere.invalid',
      port,
      lookup: (_name, _options, answer) => answer(new Error('refused'), ''),
    })
    await eventually(() => unknown.heard.ended.length === 1)
    expect(unknown.heard.ended[0]).toBe('nowhere.invalid cannot be looked up: refused')
  })

  it('are asked for under the endpoint’s name at the address that it stands for', async () => {
    const authorities: unknown[] = []
    const server = createHttp2Server()
    server.on('session', (session) => closers.push(() => session.destroy()))
    server.on('stream', (stream, headers) => {
      authorities.push(headers[':authority'])
      stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const { port } = server.address() as { port: number }
    const { heard } = ask({
      host: 'author.example',
      port,
      lookup: (_name, _options, answer) => answer(null, '127.0.0.1', 4),
    })
    await eventually(() => heard.unsupported === 1)
    expect(authorities).toEqual([`author.example:${port}`])
  })

  it('leave no connection behind', async () => {
    const sockets = new Set<Socket>()
    const mute: NetServer = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      socket.resume()
    })
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    closers.push(() => mute.close())
    const { port } = mute.address() as { port: number }
    const { heard, close } = ask({ host: '127.0.0.1', port })
    await eventually(() => sockets.size === 1)
    close()
    await eventually(() => sockets.size === 0)
    expect(heard.ended).toEqual([])
  })
})

describe('load reports over TLS', () => {
  it('come from an endpoint whose certificate is for its name or its address, and from no other', async () => {
    const { ca, server, remove } = await makeCertificates()
    await remove()
    const pair = { private_key: server.key, cert_chain: server.cert }
    const { port } = await serve(new ServerMetricRecorder(), ServerCredentials.createSsl(null, [pair]))
    const context = createSecureContext({ ca })
    const peer = (name: string) => ({ host: '127.0.0.1', port, tls: { context, name, verify: identityError } })
    for (const name of ['localhost', '127.0.0.1']) {
      const { heard } = ask(peer(name))
      await eventually(() => heard.reports.length > 0)
    }
    const { heard } = ask(peer('other.example'))
    await eventually(() => heard.ended.length === 1)
    expect(heard.reports).toEqual([])
  })
})
