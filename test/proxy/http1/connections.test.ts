import { createServer as createHttpServer, request, Agent, type IncomingMessage, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { cleanup, cleanUp, dial, readAll, startServer } from '../support.js'
import { collect, exchangeRaw, startJoined } from './joined.js'

afterEach(cleanUp)

async function startNode(listener: RequestListener): Promise<number> {
  const server = createHttpServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** An endpoint that says the same to every request head, whatever it is. */
async function startSaying(answer: string): Promise<{ port: number; heard: () => string }> {
  const heard: string[] = []
  const server = await startServer((socket) => {
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk.toString('latin1'))
      if (chunk.includes('\r\n\r\n')) socket.write(Buffer.from(answer, 'latin1'))
    })
  })
  return { port: server.port, heard: () => heard.join('') }
}

async function textOf(message: IncomingMessage): Promise<string> {
  message.setEncoding('latin1')
  let text = ''
  for await (const chunk of message) text += chunk as string
  return text
}

describe('HTTP/1.1 connections, joined', () => {
  it('relay requests one after the other over kept connections', async () => {
    const endpoint = await startNode((message, response) => {
      response.setHeader('x-path', message.url!)
      message.pipe(response)
    })
    const joined = await startJoined(endpoint)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    cleanup(() => agent.destroy())
    for (const body of ['', 'one', 'x'.repeat(300_000)]) {
      const sent = request({ port: joined.port, agent, method: 'POST', path: '/a?b=c' })
      sent.end(body)
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      expect(answer.headers['x-path']).toBe('/a?b=c')
      expect(await textOf(answer)).toBe(body)
    }
    expect(joined.server).toHaveLength(1)
    expect(joined.dialled).toBe(1)
  })

  it('answers pipelined requests in order', async () => {
    const endpoint = await startNode((message, response) => {
      setTimeout(() => response.end(`<${message.url}>`), message.url === '/1' ? 60 : 0)
    })
    const joined = await startJoined(endpoint)
    const head = (n: number, rest = '') => `GET /${n} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`
    const answer = await exchangeRaw(joined.port, head(1) + head(2) + head(3, 'Connection: close\r\n') + head(4))
    expect(answer.match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>'])
    expect(answer.match(/connection: close/g)).toHaveLength(1)
  })

  it.each([true, false])(
    'answers all that a client asked before it ended its side (one buffer: %s)',
    async (staticRead) => {
      const endpoint = await startNode((message, response) => response.end(`<${message.url}>`))
      const joined = await startJoined(endpoint, { staticRead })
      const client = await dial(joined.port)
      client.end([1, 2, 3].map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
      expect((await readAll(client)).toString().match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>'])
    },
  )

  it('writes a request anew', async () => {
    const { port, heard } = await startSaying('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    const joined = await startJoined(port)
    const answer = await exchangeRaw(
      joined.port,
      'POST http://b:8080?q HTTP/1.1\r\nHOST: a\r\nX-One:  1 \t\r\nConnection: close, X-Gone, Host\r\nX-Gone: 1\r\nKeep-Alive: 5\r\n' +
        'TE: gzip, trailers;q=1\r\nX-Forwarded-For: me\r\nContent-Length: 0003\r\n\r\nabc',
    )
    expect(heard()).toBe(
      'POST /?q HTTP/1.1\r\nhost: b:8080\r\nx-one: 1\r\nte: trailers\r\nvia: 1.1 test\r\ncontent-length: 3\r\nconnection: te\r\n\r\nabc',
    )
    expect(answer).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok')
  })

  it('relay chunked bodies with trailers both ways', async () => {
    const { port, heard } = await startSaying(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\nSet-Cookie: no\r\n\r\n',
    )
    const joined = await startJoined(port)
    const answer = await exchangeRaw(
      joined.port,
      'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n05\r\nhello\r\n0\r\nX-T: 2\r\nAuthorization: no\r\n\r\n',
    )
    expect(heard()).toBe(
      'PUT / HTTP/1.1\r\nhost: a\r\nvia: 1.1 test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 2\r\n\r\n',
    )
    expect(answer).toBe(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n',
    )
  })

  it('serves HTTP/1.0 without chunks, and keeps the connection only if asked to', async () => {
    const { port, heard } = await startSaying(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    )
    const joined = await startJoined(port)
    expect(await exchangeRaw(joined.port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')).toBe(
      'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc',
    )
    expect(heard()).toContain(`host: 127.0.0.1:${port}\r\n`)
    const sized = await startSaying('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1')
    const other = await startJoined(sized.port)
    const socket = await dial(other.port)
    const answer = collect(socket)
    socket.write('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    await eventually(() => answer().endsWith('\r\n\r\n1'))
    socket.write('GET / HTTP/1.0\r\n\r\n')
    await once(socket, 'end')
    expect(answer().match(/connection: .*/g)).toEqual(['connection: keep-alive', 'connection: close'])
  })

  it('relays a WebSocket-like tunnel, bytes sent early and half-closing included', async () => {
    const server = await startServer((socket) => {
      let head = ''
      socket.on('data', (chunk: Buffer) => {
        if (head.includes('\r\n\r\n')) return void socket.write(chunk)
        head += chunk.toString('latin1')
        expect(head).toContain('connection: upgrade\r\nupgrade: websocket\r\n')
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\nhi ')
      })
      socket.on('end', () => socket.end(' bye'))
    })
    const joined = await startJoined(server.port)
    const socket = await dial(joined.port)
    const answer = collect(socket)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly')
    await eventually(() => answer().includes('early'))
    socket.write(' late')
    await eventually(() => answer().includes('late'))
    socket.end()
    await once(socket, 'end')
    expect(answer()).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhi early late bye',
    )
  })

  it('goes on with an ordinary exchange when the upgrade is declined', async () => {
    const { port } = await startSaying('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1')
    const joined = await startJoined(port)
    const one = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const answer = await exchangeRaw(joined.port, one + one + 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(answer.match(/200 OK/g)).toHaveLength(3)
    expect(joined.dialled).toBe(1)
  })
})
