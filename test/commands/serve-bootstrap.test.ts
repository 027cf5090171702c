import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { CallingClient } from '../interop/xds/calling-client.js'
import { reaches } from '../interop/xds/shares.js'
import { startWhoServer, type WhoServer } from '../interop/xds/who-server.js'
import { run, start } from '../support/cli.js'
import { freePort } from '../support/real-etcd.js'

describe('fairlead serve bootstrap', () => {
  it('prints what gRPC clients read', async () => {
    const args = ['--server', '10.0.0.1:18000', '--node-id', 'me', '--zone', 'a']
    const { code, stdout } = await run(['serve', 'bootstrap', ...args])
    expect(code).toBe(0)
    const bootstrap = {
      xds_servers: [
        { server_uri: '10.0.0.1:18000', channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
      ],
      node: { id: 'me', cluster: 'fairlead', locality: { zone: 'a' } },
    }
    expect(JSON.parse(stdout)).toEqual(bootstrap)
    const json = await run(['serve', 'bootstrap', ...args, '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ schemaVersion: 1, bootstrap })
  })

  it('has a name and a server for who names none, and TLS for who asks for it', async () => {
    const { stdout } = await run(['serve', 'bootstrap', '--tls'])
    expect(JSON.parse(stdout)).toMatchObject({
      xds_servers: [{ server_uri: '127.0.0.1:18000', channel_creds: [{ type: 'tls' }, { type: 'google_default' }] }],
      node: { id: expect.stringMatching(/./), locality: {} },
    })
  })

  it('names the authority that the server is trusted by', async () => {
    const { stdout } = await run(['serve', 'bootstrap', '--tls', '--ca', '/etc/ca.pem'])
    const creds = [{ type: 'tls', config: { ca_certificate_file: '/etc/ca.pem' } }]
    expect(JSON.parse(stdout)).toMatchObject({ xds_servers: [{ channel_creds: creds }] })
  })

  it('prints a configuration for Envoy', async () => {
    const args = ['--envoy', '--listen', '8080=web', '--listen', '0.0.0.0:50051=greeter', '--admin', '9901', '--delta']
    const { stdout } = await run(['serve', 'bootstrap', '--server', '0.0.0.0:18000', ...args])
    const address = (host: string, port: number) => ({ socket_address: { address: host, port_value: port } })
    expect(JSON.parse(stdout)).toMatchObject({
      admin: { address: address('127.0.0.1', 9901) },
      dynamic_resources: { ads_config: { api_type: 'DELTA_GRPC' } },
      static_resources: {
        listeners: [
          { name: '127.0.0.1:8080', address: address('127.0.0.1', 8080) },
          { name: '0.0.0.0:50051', address: address('0.0.0.0', 50051) },
        ],
        // Every address of a machine is no destination.
        clusters: [
          {
            load_assignment: {
              endpoints: [{ lb_endpoints: [{ endpoint: { address: address('127.0.0.1', 18000) } }] }],
            },
          },
        ],
      },
    })
  })

  it.each([
    ['a listener without --envoy', ['--listen', '8080=web'], /--envoy/],
    ['a listener without a service', ['--envoy', '--listen', '8080'], /LISTEN=SERVICE/],
    ['a service that cannot be', ['--envoy', '--listen', '8080=a/b'], /bad service name/],
    ['a server that cannot be', ['--server', 'nowhere'], /bad server address "nowhere"[^]*127\.0\.0\.1:18000/],
    ['a server at any port', ['--server', '127.0.0.1:0'], /127\.0\.0\.1:0/],
    ['an Envoy that listens on a name', ['--envoy', '--listen', 'localhost:8080=web'], /localhost is a name/],
    ['an admin endpoint on a name', ['--envoy', '--admin', 'localhost:9901'], /localhost is a name/],
    ['TLS of an Envoy without authorities', ['--envoy', '--tls'], /--ca/],
  ])('refuses %s', async (_name, args, message) => {
    const { code, stderr } = await run(['serve', 'bootstrap', ...args])
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

describe('fairlead serve --xds', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function server(name: string): Promise<WhoServer> {
    const who = await startWhoServer(name)
    closing.push(() => who.close())
    return who
  }

  it('has a gRPC client follow the registry, and is killed and started anew with no failed call', async () => {
    const registry: TestRegistry = await startRegistry()
    closing.push(() => registry.close())
    const env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
    const [a, b, c] = [await server('a'), await server('b'), await server('c')]
    const register = (who: WhoServer) => run(['register', 'greeter', who.address, '--permanent'], { env })
    await register(a)
    const port = await freePort()
    const serve = () => start(['serve', '--xds', `127.0.0.1:${port}`, '-o', 'ndjson'], { env })
    const first = serve()
    await first.waitForLine(/listening/)
    const program = [process.execPath, fileURLToPath(new URL('../interop/xds/js-client.mjs', import.meta.url))]
    const client = new CallingClient({ program, service: 'greeter', xdsPort: port })
    closing.push(() => client.close())
    await reaches(client, ['a'])
    await first.waitForLine(/"event":"joined".*"service":"greeter"/)
    await register(b)
    await reaches(client, ['a', 'b'])
    await run(['set', 'greeter', a.address, '--state', 'drain'], { env })
    await reaches(client, ['b'])
    first.signal('SIGKILL')
    await first.ended
    await reaches(client, ['b'])
    const second = serve()
    await second.waitForLine(/listening/)
    await register(c)
    await reaches(client, ['b', 'c'])
    await run(['deregister', 'greeter', b.address], { env })
    await reaches(client, ['c'])
    expect(client.errors).toEqual([])
  }, 150_000)
})
