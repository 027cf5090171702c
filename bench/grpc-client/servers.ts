/** The far side of the benchmark: a registry and gRPC servers that answer every call with an empty message, in a process of their own. */
import { once } from 'node:events'
import { createServer } from 'node:http2'
import { connect } from '../../src/index.js'
import { startRegistry } from '../../src/testing.js'

export interface Servers {
  readonly registry: string
  /** What they are registered as. */
  readonly service: string
  readonly addresses: readonly string[]
}

const SERVICE = 'greeter'

const EMPTY_MESSAGE = Buffer.alloc(5)

async function startServer(): Promise<string> {
  const server = createServer()
  server.on('stream', (stream) => {
    stream.on('error', () => undefined).resume()
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.end(EMPTY_MESSAGE)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

/** Weights 1, 2, 3, … */
async function start(count: number): Promise<Servers> {
  const registry = await startRegistry()
  const fairlead = await connect({ endpoints: [registry.endpoint] })
  const addresses = await Promise.all(Array.from({ length: count }, startServer))
  await Promise.all(addresses.map((address, i) => fairlead.register(SERVICE, address, { weight: i + 1 })))
  return { registry: registry.endpoint, service: SERVICE, addresses }
}

const [count] = process.argv.slice(2)
if (process.send && count !== undefined) process.send(await start(Number(count)))
