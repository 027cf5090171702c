import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { HttpLimits } from '../../../src/core/proxy/http/environment.js'
import type { ProxyEvent } from '../../../src/core/proxy/events.js'
import { GET, indexed, plain, POST } from '../../support/hpack-literals.js'
import { RawHttp2 } from '../../support/raw-http2.js'
import { cleanup, startTestProxy } from '../support.js'
import { sendForEver, unharmedBy } from './unharmed.js'

/** Requests for `/slow`, which the backend never answers, and `/big`, whose answer never ends. */
export const SLOW = Buffer.concat([indexed(2), indexed(6), plain(4, '/slow'), plain(1, 'a')])
export const SLOW_UPLOAD = Buffer.concat([indexed(3), indexed(6), plain(4, '/slow'), plain(1, 'a')])
export const BIG = Buffer.concat([indexed(2), indexed(6), plain(4, '/big'), plain(1, 'a')])
export { GET, POST }

export interface Victim {
  readonly port: number
  readonly events: readonly ProxyEvent[]
  readonly backend: {
    /** Requests that came, but for those of the bystander. */
    attacked: number
    /** Of those, how many are still open. */
    open: number
    /** Octets of `/big` that the proxy took. */
    sent: number
  }
  /** An attacker whose connection is set up. */
  attacker(...settings: (readonly [id: number, value: number])[]): Promise<RawHttp2>
  /**
   * Runs an attack while another client, connected before it, sends one request after the other; each must be answered. One
   * more comes when it is over.
   */
  unharmedBy(attack: () => Promise<unknown>): Promise<void>
}

/** A proxy for HTTP in front of one backend, to be attacked. */
export async function startVictim(limits: Partial<HttpLimits> = {}): Promise<Victim> {
  const backend: Victim['backend'] = { attacked: 0, open: 0, sent: 0 }
  const server = createServer()
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    const path = headers[':path']
    if (path === '/bystander') return (stream.respond({ ':status': 200 }), void stream.end('ok'))
    backend.attacked++
    backend.open++
    stream.on('close', () => backend.open--)
    if (path === '/slow') return void stream.resume()
    stream.respond({ ':status': 200 })
    if (path === '/big') return sendForEver(stream, backend)
    stream.resume().end('ok')
  })
  server.on('sessionError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port, events } = await startTestProxy(`127.0.0.1:${String((server.address() as AddressInfo).port)}`, {
    listen: 'http://127.0.0.1:0',
    limits,
  })
  cleanup(() => server.close())
  const bystander = await startBystander(port)
  return {
    port,
    events,
    backend,
    async attacker(...settings) {
      const attacker = await RawHttp2.connect(port, ...settings)
      cleanup(() => {
        attacker.destroy()
      })
      return attacker
    },
    unharmedBy: (attack) => unharmedBy(bystander, attack),
  }
}

/** A client that sends a request whenever it is called, and returns what came. */
async function startBystander(port: number): Promise<() => Promise<string>> {
  const session = connect(`http://127.0.0.1:${String(port)}`)
  session.on('error', () => {})
  await once(session, 'connect')
  cleanup(() => {
    session.destroy()
  })
  return async () => {
    const request = session.request({ ':path': '/bystander' })
    request.setEncoding('utf8')
    request.end()
    const [headers] = (await once(request, 'response')) as [{ ':status': number }]
    let body = ''
    for await (const text of request) body += String(text)
    return `${String(headers[':status'])} ${body}`
  }
}
