import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { connect, type AddressInfo, type Server } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import { cleanUp, cleanup, HandResolver, startTestProxy } from '../proxy/support.js'
import { startGrpcPeer } from '../support/grpc-peer.js'
import { describeWithPeers, hasProgram } from '../support/peers.js'

const run = promisify(execFile)
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

afterEach(cleanUp)

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Tells what it was asked for, and the digest of the body. */
function describeRequest(request: IncomingMessage, response: ServerResponse): void {
  const digest = createHash('sha256')
  request.on('data', (chunk: Buffer) => digest.update(chunk))
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    const { method, url, headers } = request
    const body = JSON.stringify({ method, url, host: headers.host, sha256: digest.digest('hex') })
    response.end(body)
  })
}

/** An HTTP/1.1 server that echoes on WebSockets. */
async function startHttp1(): Promise<string> {
  const server = createServer(describeRequest)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      if (!isBinary && String(data as Buffer) === 'bye') socket.close(4321, 'as you like')
      else socket.send(data as Buffer, { binary: isBinary })
    })
  })
  const address = await listening(server)
  cleanup(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return address
}

/** An HTTP/2 server that answers every request with two bytes. */
async function startHttp2(): Promise<string> {
  const server = createHttp2Server((_, response) => void response.end('ok'))
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => void sessions.add(session))
  const address = await listening(server)
  cleanup(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return address
}

async function http1Proxy(): Promise<number> {
  const addresses = [await startHttp1(), await startHttp1()]
  const { port } = await startTestProxy(addresses.join(','), { listen: 'http://127.0.0.1:0' })
  return port
}

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', '--max-time', '20', ...args], { maxBuffer: 1 << 26 })
  return stdout
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describeWithPeers(['curl'], 'curl through the proxy', () => {
  it('gets, puts in chunks, posts and asks for heads', async () => {
    const url = `http://127.0.0.1:${await http1Proxy()}/a?b=c`
    const got = JSON.parse(await curl(url, '-H', 'host: shop.test')) as object
    expect(got).toEqual({ method: 'GET', url: '/a?b=c', host: 'shop.test', sha256: sha256('') })
    const body = 'body '.repeat(300_000)
    // Above 1 MiB curl waits for 100 Continue.
    const posted = await withInput(['-sS', '--data-binary', '@-', url], body)
    expect(JSON.parse(posted)).toMatchObject({ method: 'POST', sha256: sha256(body) })
    const put = await withInput(['-sS', '-T', '-', url], body)
    expect(JSON.parse(put)).toMatchObject({ method: 'PUT', sha256: sha256(body) })
    expect(await curl('-I', url)).toMatch(/^HTTP\/1.1 200 OK\r\n/)
  })

  it('keeps its connection for several requests', async () => {
    const url = `http://127.0.0.1:${await http1Proxy()}/`
    expect(
      await curl(url, url, url, '-o', '/dev/null', '-o', '/dev/null', '-o', '/dev/null', '-w', '%{num_connects} '),
    ).toBe('1 0 0 ')
  })

  it('speaks HTTP/2 to endpoints of either version', async () => {
    const [newer, older] = [await startHttp2(), await startHttp1()]
    const { port } = await startTestProxy(newer, { listen: 'http://127.0.0.1:0' })
    const args = ['--http2-prior-knowledge', '-w', ' %{http_version} %{http_code}']
    expect(await curl(...args, `http://127.0.0.1:${port}/`)).toBe('ok 2 200')

    const resolver = new HandResolver()
    resolver.set(parseStaticEndpoints(older).map((endpoint) => ({ ...endpoint, meta: { protocol: 'http1' } })))
    const translating = await startTestProxy('web', { listen: 'http://127.0.0.1:0', resolver })
    const text = await curl(
      ...args,
      '-d',
      'hello',
      `http://shop.test:${translating.port}/x`,
      '--resolve',
      `shop.test:${translating.port}:127.0.0.1`,
    )
    expect(text).toMatch(/ 2 200$/)
    const told = JSON.parse(text.slice(0, text.lastIndexOf('}') + 1)) as object
    expect(told).toEqual({ method: 'POST', url: '/x', host: `shop.test:${translating.port}`, sha256: sha256('hello') })
  })
})

/** Runs curl with something on its stdin. */
async function withInput(args: readonly string[], input: string): Promise<string> {
  const child = execFile('curl', args, { maxBuffer: 1 << 26 })
  let [output, errors] = ['', '']
  child.stdout!.on('data', (chunk: string) => (output += chunk))
  child.stderr!.on('data', (chunk: string) => (errors += chunk))
  child.stdin!.end(input)
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`curl exited with ${code}: ${errors}`)
  return output
}

describeWithPeers(['wrk', 'h2load'], 'load generators through the proxy', () => {
  it('see no error over HTTP/1.1', async () => {
    const url = `http://127.0.0.1:${await http1Proxy()}/`
    const { stdout: wrk } = await run('wrk', ['-t1', '-c16', '-d1s', url], { env })
    expect(wrk).not.toMatch(/Socket errors|Non-2xx/)
    expect(Number(/(\d+) requests in/.exec(wrk)![1])).toBeGreaterThan(0)
    const { stdout: h2load } = await run('h2load', ['--h1', '-n2000', '-c16', url], { env })
    expect(h2load).toContain('2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout')
    // Each with several requests on their way at a time.
    const { stdout: pipelined } = await run('h2load', ['--h1', '-n2000', '-c4', '-m8', url], { env })
    expect(pipelined).toContain('2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout')
  })

  it('see no error over HTTP/2', async () => {
    const addresses = [await startHttp2(), await startHttp2()]
    const { port } = await startTestProxy(addresses.join(','), { listen: 'grpc://127.0.0.1:0' })
    const { stdout } = await run('h2load', ['-n5000', '-c4', '-m32', `http://127.0.0.1:${port}/`], { env })
    expect(stdout).toContain('5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout')
    expect(stdout).toContain('5000 2xx')
  })
})

describe.skipIf(!hasProgram('grpcurl'))('grpcurl through the proxy', () => {
  it('is told of a method that does not exist', async () => {
    const peer = await startGrpcPeer()
    cleanup(() => peer.kill())
    const { port } = await startTestProxy(peer.address, { listen: 'grpc://127.0.0.1:0' })
    const failed = await run('grpcurl', ['-plaintext', `127.0.0.1:${port}`, 'list']).catch((error: Error) => error)
    expect(String(failed)).toContain('does not support the reflection API')
  })
})

describe('a WebSocket through the proxy', () => {
  it('carries text, bytes, pings and the reason of the end', async () => {
    const port = await http1Proxy()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    cleanup(() => socket.terminate())
    await once(socket, 'open')
    const echo = async (data: string | Buffer) => {
      socket.send(data)
      const [answer] = (await once(socket, 'message')) as [Buffer]
      return answer
    }
    expect(String(await echo('grüße'))).toBe('grüße')
    const bytes = Buffer.alloc(1 << 20, 'bytes')
    expect((await echo(bytes)).equals(bytes)).toBe(true)
    socket.ping('there?')
    expect(String((await once(socket, 'pong'))[0])).toBe('there?')
    socket.send('bye')
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
    expect([code, String(reason)]).toEqual([4321, 'as you like'])
  })

  it('leaves room for other sockets and requests', async () => {
    const port = await http1Proxy()
    const sockets = Array.from({ length: 20 }, () => new WebSocket(`ws://127.0.0.1:${port}/`))
    for (const socket of sockets) cleanup(() => socket.terminate())
    await Promise.all(sockets.map((socket) => once(socket, 'open')))
    const other = connect(port, '127.0.0.1')
    cleanup(() => other.destroy())
    other.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const [first] = (await once(other, 'data')) as [Buffer]
    expect(first.toString('latin1')).toMatch(/^HTTP\/1.1 200/)
    for (const socket of sockets) socket.send('here')
    const answers = await Promise.all(sockets.map(async (socket) => String((await once(socket, 'message'))[0])))
    expect(new Set(answers)).toEqual(new Set(['here']))
  })
})
