import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect, type Fairlead } from '../../src/index.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { type Certificates, makeCertificates } from '../support/certificates.js'
import { launch, type RunningCli } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'
import { freePort } from '../support/real-etcd.js'

const runFile = promisify(execFile)
const MODULE = fileURLToPath(new URL('go-grpc-tools', import.meta.url))

/** The first build fetches and compiles it. */
const BUILD_TIMEOUT_MS = 300_000

const ADS = 'envoy.service.discovery.v3.AggregatedDiscoveryService'
const SERVICES = [
  ADS,
  'envoy.service.endpoint.v3.EndpointDiscoveryService',
  'envoy.service.load_stats.v3.LoadReportingService',
  'envoy.service.route.v3.RouteDiscoveryService',
  'grpc.channelz.v1.Channelz',
  'grpc.health.v1.Health',
  'grpc.lb.v1.LoadBalancer',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
]

describeWithPeers(['go'], 'grpcurl on a port of `fairlead serve`', () => {
  let directory: string
  let registry: TestRegistry
  let fairlead: Fairlead
  let certificates: Certificates
  let cli: RunningCli
  let port: number

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairlead-grpcurl-'))
    await runFile('go', ['build', '-o', `${directory}/`, 'tool'], { cwd: MODULE, timeout: BUILD_TIMEOUT_MS })
    registry = await startRegistry()
    fairlead = await connect({ endpoints: [registry.endpoint] })
    await fairlead.register('web', '10.0.0.1:80', { weight: 2 })
    await fairlead.register('web', '10.0.0.2:80')
    certificates = await makeCertificates()
    port = await freePort()
    const { cert, key, ca } = certificates.files
    const listen = ['--grpclb', `${port}`, '--xds', `127.0.0.1:${port}`]
    const tls = ['--tls-cert', cert, '--tls-key', key, '--tls-client-ca', ca]
    cli = launch(['serve', '--endpoints', registry.endpoint, ...listen, ...tls])
    await cli.waitForLine(/^listening xds/)
  }, BUILD_TIMEOUT_MS)
  afterAll(async () => {
    cli.signal('SIGTERM')
    await cli.ended
    await fairlead.close()
    await registry.close()
    await certificates.remove()
    await rm(directory, { recursive: true, force: true })
  })

  /** Runs it with these words before and behind the address. */
  async function grpcurl(flags: readonly string[], ...words: string[]): Promise<string> {
    const { cert, key, ca } = certificates.files
    const tls = ['-cacert', ca, '-cert', cert, '-key', key]
    const args = [...tls, ...flags, `127.0.0.1:${port}`, ...words]
    const { stdout } = await runFile(join(directory, 'grpcurl'), args, { timeout: 25_000 })
    return stdout
  }

  async function call<Response>(method: string, request: object = {}): Promise<Response> {
    return JSON.parse(await grpcurl(['-d', JSON.stringify(request)], method)) as Response
  }

  /** What a stream that does not end brings in so many seconds. */
  async function messages(method: string, request: object, seconds = 2): Promise<string> {
    const flags = ['-max-time', `${seconds}`, '-d', JSON.stringify(request)]
    return grpcurl(flags, method).catch((error: { stdout: string }) => error.stdout)
  }

  it('lists the services', async () => {
    expect((await grpcurl([], 'list')).trim().split('\n')).toEqual(SERVICES)
  })

  it.each(SERVICES)('describes %s', async (service) => {
    expect(await grpcurl([], 'describe', service)).toContain(`${service} is a service:\nservice `)
  })

  it('describes messages with their maps, oneofs and the types of other packages', async () => {
    expect(await grpcurl([], 'describe', 'grpc.health.v1.HealthListResponse')).toContain(
      'map<string, .grpc.health.v1.HealthCheckResponse> statuses = 1;',
    )
    const cluster = await grpcurl([], 'describe', 'envoy.config.cluster.v3.Cluster')
    expect(cluster).toMatch(/oneof lb_config \{\n\s+\.envoy\.config\.cluster\.v3\.Cluster\.RingHashLbConfig/)
    expect(cluster).toContain('.google.protobuf.Duration connect_timeout = 4;')
  })

  it('asks for its health', async () => {
    expect(await call('grpc.health.v1.Health/Check')).toEqual({ status: 'SERVING' })
    expect(await call('grpc.health.v1.Health/Check', { service: ADS })).toEqual({ status: 'SERVING' })
    await expect(call('grpc.health.v1.Health/Check', { service: 'web' })).rejects.toMatchObject({
      stderr: expect.stringContaining('NotFound') as string,
    })
  })

  it('sees the server and its connections, with their TLS, by channelz', async () => {
    interface Sockets {
      readonly socketRef: readonly { readonly socketId: string }[]
    }
    interface Socket {
      readonly socket: { readonly data: object; readonly security: object }
    }
    const { server } = await call<{ server: { ref: object }[] }>('grpc.channelz.v1.Channelz/GetServers')
    const lasting = messages('grpc.lb.v1.LoadBalancer/BalanceLoad', { initialRequest: { name: 'web' } }, 5)
    await eventually(async () => {
      const { socketRef } = await call<Sockets>('grpc.channelz.v1.Channelz/GetServerSockets', server[0]!.ref)
      const { socketId } = socketRef[0]!
      const { socket } = await call<Socket>('grpc.channelz.v1.Channelz/GetSocket', { socketId })
      expect(socket.data).toMatchObject({ streamsStarted: expect.stringMatching(/^[1-9]/) as string })
      expect(socket.security).toMatchObject({ tls: { standardName: expect.any(String) as string } })
    })
    await lasting
  })

  it('is told servers by either protocol', async () => {
    const list = await messages('grpc.lb.v1.LoadBalancer/BalanceLoad', { initialRequest: { name: 'web' } })
    expect(list.match(/"ipAddress": "CgAAAQ=="/g)).toHaveLength(2)
    expect(list.match(/"ipAddress": "CgAAAg=="/g)).toHaveLength(1)
    const assignment = await messages(`${ADS}/StreamAggregatedResources`, {
      node: { id: 'me' },
      typeUrl: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
      resourceNames: ['web'],
    })
    expect(assignment).toContain('"address": "10.0.0.1"')
    expect(assignment).toContain('"address": "10.0.0.2"')
  })
})
