import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface FaultProxy {
  /** `127.0.0.1:port`. */
  readonly endpoint: string
  readonly port: number
  /** How many connections pass through it now. */
  readonly connections: number
  /** Holds back every byte, both ways, of old and new connections, until `heal`: the peer is there but silent. */
  blackhole(): void
  /** Drops every byte of the connections there are, for ever and without a word. New ones pass. */
  forget(): void
  /** Resets new connections. Old ones live on. */
  refuse(): void
  /** Lets each chunk wait, both ways. */
  delay(ms: number): void
  /** Resets all connections. */
  cut(): void
  /** Undoes blackhole, refuse and delay. What a blackhole held back arrives now. */
  heal(): void
  close(): Promise<void>
}

/** A TCP proxy on a free loopback port that can be told to misbehave. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let silent = false
  let refusing = false
  let delayMs = 0

  const server = createServer({ allowHalfOpen: true }, (downstream) => {
    downstream.on('error', () => undefined)
    if (refusing) return void downstream.resetAndDestroy()
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true })
    const pair = [downstream, upstream] as const
    pairs.add(pair)
    relay(downstream, upstream)
    relay(upstream, downstream)
    if (silent) pair.forEach((socket) => socket.pause())

    function relay(from: Socket, to: Socket) {
      const later = (action: () => void) => (delayMs > 0 ? setTimeout(action, delayMs) : action())
      from.on('data', (chunk) => later(() => to.writable && to.write(chunk)))
      from.on('end', () => later(() => to.end()))
      from.on('error', () => to.resetAndDestroy())
      from.on('close', () => {
        pairs.delete(pair)
        if (!silent) later(() => to.destroySoon())
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }

  const cut = () => {
    for (const pair of pairs) pair.forEach((socket) => socket.resetAndDestroy())
  }
  return {
    endpoint: `127.0.0.1:${port}`,
    port,
    get connections() {
      return pairs.size
    },
    blackhole() {
      silent = true
      for (const pair of pairs) pair.forEach((socket) => socket.pause())
    },
    forget() {
      for (const pair of pairs) {
        for (const socket of pair) socket.removeAllListeners('data').removeAllListeners('end').resume()
      }
    },
    refuse: () => void (refusing = true),
    delay: (ms) => void (delayMs = ms),
    cut,
    heal() {
      ;[silent, refusing, delayMs] = [false, false, 0]
      for (const pair of pairs) pair.forEach((socket) => socket.resume())
    },
    async close() {
      silent = false
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
