import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, createServer, type TlsOptions, type TLSSocket } from 'node:tls'
import type { AddressInfo, Socket } from 'node:net'
import type { KeyPair } from '../../support/certificates.js'
import { cleanup } from '../support.js'

/** Writes PEM files into a directory of their own, which is removed after the test. */
export async function writeFiles(contents: Readonly<Record<string, Buffer>>): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-tls-'))
  cleanup(() => rm(directory, { recursive: true, force: true }))
  const paths: Record<string, string> = {}
  for (const [name, content] of Object.entries(contents)) {
    paths[name] = join(directory, name)
    await writeFile(paths[name], content)
  }
  return paths
}

/** The `tls` option of a proxy for a key pair, in files that may be replaced. */
export async function tlsFiles({ cert, key }: KeyPair, clientCa?: Buffer) {
  const paths = await writeFiles({ cert, key, ...(clientCa && { clientCa }) })
  const clientCaFile = paths.clientCa
  return { certFile: paths.cert!, keyFile: paths.key!, ...(clientCaFile !== undefined && { clientCaFile }) }
}

/** A client that has shaken hands. Rejects where that fails. */
export async function dialTls(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  cleanup(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  return socket
}

export interface TlsTestServer {
  readonly address: string
  readonly port: number
  /** What each client asked for: its SNI and the ALPN that was settled. */
  readonly clients: { readonly servername: string | false | null; readonly alpn: string | false | null }[]
}

/** A TLS server on a free loopback port. */
export async function startTlsServer(
  options: TlsOptions,
  onSocket: (socket: TLSSocket) => void,
): Promise<TlsTestServer> {
  const clients: TlsTestServer['clients'][number][] = []
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true, ...options }, (socket) => {
    // The types know no null: a client without SNI.
    clients.push({ servername: socket.servername as string | false | null, alpn: socket.alpnProtocol })
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.on('connection', (socket: Socket) => sockets.push(socket))
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { address: `127.0.0.1:${port}`, port, clients }
}
