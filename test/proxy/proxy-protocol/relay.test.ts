import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ProxyHeaderReader } from '../../../src/core/proxy/proxy-protocol/reader.js'
import { encodeV2 } from '../../../src/core/proxy/proxy-protocol/v2.js'
import { runtime as manualRuntime } from '../../support/balancing.js'
import { describeWithPeers } from '../../support/peers.js'
import { freePort } from '../../support/real-etcd.js'
import {
  cleanUp,
  cleanup,
  dial,
  ending,
  readAll,
  readSome,
  startEcho,
  startNamed,
  startServer,
  startTestProxy,
  until,
} from '../support.js'

afterEach(cleanUp)

const LINE = 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n'

/** A server that reads a PROXY header and answers with the source it names and what follows. */
function startHeaderServer() {
  return startServer((socket) => {
    const reader = new ProxyHeaderReader()
    let header: ReturnType<ProxyHeaderReader['push']>
    socket.on('data', (chunk) => {
      let rest = chunk
      if (!header) {
        header = reader.push(chunk)
        if (!header) return
        rest = chunk.subarray(header.consumed)
        const { addresses } = header.header
        const source =
          addresses && addresses.family !== 'unix' ? `${addresses.source.host}:${addresses.source.port}` : 'none'
        socket.write(`${source}\n`)
      }
      socket.write(rest)
    })
    socket.on('end', () => socket.end())
  })
}

describe('accepting the PROXY protocol', () => {
  it.each([
    ['version 1', Buffer.from(LINE)],
    [
      'version 2',
      encodeV2({
        family: 'ipv4',
        source: { host: '192.0.2.7', port: 4711 },
        destination: { host: '198.51.100.1', port: 443 },
      }),
    ],
  ])('reads %s, byte by byte, and passes on only what follows', async (_, header) => {
    const echo = await startEcho()
    const { port } = await startTestProxy(echo.address, { proxyProtocol: 'accept', trust: ['127.0.0.0/8'] })
    const client = await dial(port)
    for (const byte of header) {
      client.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    client.end('after')
    expect((await readAll(client)).toString()).toBe('after')
  })

  it('passes on at once what came with the header', async () => {
    const echo = await startEcho()
    const { port } = await startTestProxy(echo.address, { proxyProtocol: 'accept', trust: ['127.0.0.1'] })
    const client = await dial(port)
    client.write(`${LINE}hello`)
    expect(await readSome(client)).toBe('hello')
  })

  it('goes by the address in the header: allow list and hash', async () => {
    const servers = await Promise.all(['a', 'b', 'c', 'd'].map(startNamed))
    const { port, proxy } = await startTestProxy(servers.map(({ address }) => address).join(','), {
      proxyProtocol: 'accept',
      trust: ['127.0.0.1'],
      allow: ['192.0.2.0/24'],
      policy: 'source_hash',
    })
    const ask = async (source: string) => {
      const client = await dial(port)
      client.write(`PROXY TCP4 ${source} 198.51.100.1 1 2\r\n`)
      return Promise.race([readSome(client), ending(client)])
    }
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(`192.0.2.${i}`)))
    expect(new Set(answers).size).toBeGreaterThan(1)
    expect(await ask('192.0.2.3')).toBe(answers[3])
    expect(await ask('203.0.113.1')).toBe('ECONNRESET')
    expect(proxy.stats()[0]!.connections.denied).toBe(1)
  })

  it('requires the header from trusted peers', async () => {
    const echo = await startEcho()
    const { port, proxy, events } = await startTestProxy(echo.address, {
      proxyProtocol: 'accept',
      trust: ['127.0.0.1'],
    })
    const client = await dial(port)
    client.write('GET / HTTP/1.1\r\n\r\n')
    expect(await ending(client)).toBe('ECONNRESET')
    expect(proxy.stats()[0]!.connections).toMatchObject({ malformed: 1, active: 0 })
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'malformed_header', reason: 'no PROXY protocol header' }),
    )
    expect(echo.sockets).toHaveLength(0)
  })

  it('does not believe anybody else', async () => {
    const echo = await startEcho()
    const { port } = await startTestProxy(echo.address, { proxyProtocol: 'accept', trust: ['127.0.0.2'] })
    const client = await dial(port)
    client.end(LINE)
    expect((await readAll(client)).toString()).toBe(LINE)
  })

  it('waits two seconds for it', async () => {
    const echo = await startEcho()
    const runtime = manualRuntime()
    const { port, proxy } = await startTestProxy(echo.address, {
      proxyProtocol: 'accept',
      trust: ['127.0.0.1'],
      runtime,
    })
    const client = await dial(port)
    client.write(LINE.slice(0, 10))
    await until(() => proxy.stats()[0]!.connections.active === 1, 'the connection is accepted')
    const end = ending(client)
    await runtime.clock.advance(1900)
    expect(proxy.stats()[0]!.connections.malformed).toBe(0)
    await runtime.clock.advance(400)
    expect(proxy.stats()[0]!.connections.malformed).toBe(1)
    expect(await end).toBe('ECONNRESET')
  })
})

describe('sending the PROXY protocol', () => {
  it('tells the server who the client is', async () => {
    const server = await startHeaderServer()
    const { port } = await startTestProxy(server.address, { proxyProtocol: 'send' })
    const client = await dial(port)
    const { localPort } = client
    client.end('hello')
    expect((await readAll(client)).toString()).toBe(`127.0.0.1:${localPort}\nhello`)
  })

  it('passes on what it was told itself', async () => {
    const server = await startHeaderServer()
    const { port } = await startTestProxy(server.address, { proxyProtocol: 'both', trust: ['127.0.0.1'] })
    const client = await dial(port)
    client.end(`${LINE}hello`)
    expect((await readAll(client)).toString()).toBe('192.0.2.7:4711\nhello')
  })
})

describeWithPeers(['haproxy'], 'the PROXY protocol with HAProxy', () => {
  it.each(['send-proxy', 'send-proxy-v2'])('is understood from %s', async (option) => {
    const server = await startHeaderServer()
    const { port } = await startTestProxy(server.address, { proxyProtocol: 'both', trust: ['127.0.0.1'] })
    const front = await startHaproxy('', `127.0.0.1:${port} ${option}`)
    const client = await dialUntilAccepted(front)
    const { localPort } = client
    client.end('hello')
    expect((await readAll(client)).toString()).toBe(`127.0.0.1:${localPort}\nhello`)
  })

  it('is understood by accept-proxy', async () => {
    const server = await startHeaderServer()
    const back = await startHaproxy('accept-proxy', `${server.address} send-proxy`)
    await dialUntilAccepted(back)
    const { port } = await startTestProxy(`127.0.0.1:${back}`, { proxyProtocol: 'send' })
    const client = await dial(port)
    const { localPort } = client
    client.end('hello')
    expect((await readAll(client)).toString()).toBe(`127.0.0.1:${localPort}\nhello`)
  })
})

async function startHaproxy(bindOptions: string, server: string): Promise<number> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-haproxy-'))
  const file = join(directory, 'haproxy.cfg')
  const timeouts = ['connect', 'client', 'server'].map((name) => `  timeout ${name} 10s\n`).join('')
  const listen = `listen test\n  mode tcp\n${timeouts}  bind 127.0.0.1:${port} ${bindOptions}\n  server s ${server}\n`
  writeFileSync(file, `global\n  maxconn 100\n${listen}`)
  const path = `${process.env.PATH}:/usr/sbin:/sbin`
  const child = spawn('haproxy', ['-db', '-q', '-f', file], { stdio: 'ignore', env: { ...process.env, PATH: path } })
  cleanup(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    rmSync(directory, { recursive: true, force: true })
  })
  return port
}

async function dialUntilAccepted(port: number): Promise<Socket> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const connected = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.on('error', () => resolve(false))
    })
    cleanup(() => socket.destroy())
    if (connected) return socket
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`nothing listens on port ${port}`)
}
