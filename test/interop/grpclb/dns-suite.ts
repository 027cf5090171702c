import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerCredentials } from '@grpc/grpc-js'
import { afterEach, expect, it } from 'vitest'
import { connect } from '../../../src/index.js'
import { startRegistry } from '../../../src/testing.js'
import { startTokenServer, type TokenServer } from '../../grpc/grpclb/support.js'
import { type KeyPair, makeCertificates } from '../../support/certificates.js'
import { type RunningCli, start } from '../../support/cli.js'
import { type DnsServer, startDnsServer, type ZoneRecord } from '../../support/dns-server.js'
import { eventually } from '../../support/eventually.js'
import { CommandedClient } from './commanded-client.js'

const NAME = 'greeter.test'
const SERVICE = 'greeter'
const BALANCERS = ['lb1.test', 'lb2.test']
const GRPCLB = serviceConfig({ serviceName: SERVICE })
const TIMEOUT_MS = 60_000

/**
 * What becomes of a gRPC client that finds two processes of `fairlead serve --grpclb` by the SRV records of the name that it dials.
 *
 * @param program a client: what to run, and its arguments before TARGET CONFIG AUTHORITY
 */
export function dnsSuite(program: () => readonly string[]): void {
  const open: { close(): unknown }[] = []
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close()
  })

  function kept<Thing extends { close(): unknown }>(thing: Thing): Thing {
    open.push(thing)
    return thing
  }
  const servers = async (count: number, secured?: ServerCredentials): Promise<TokenServer[]> =>
    (await Promise.all(Array.from({ length: count }, () => startTokenServer(secured)))).map(kept)

  /** A registry, the balancers, and a zone with their SRV records. */
  async function setUp({ records = [], args = [] }: { records?: ZoneRecord[]; args?: string[] } = {}) {
    const registry = kept(await startRegistry())
    const fairlead = kept(await connect({ endpoints: [registry.endpoint] }))
    const balancers = BALANCERS.map(() =>
      start(['serve', '--grpclb', '0', '--endpoints', registry.endpoint, '-o', 'ndjson', ...args]),
    )
    const ports = await Promise.all(balancers.map(portOf))
    const zone: ZoneRecord[] = BALANCERS.flatMap((target, i) => [
      { type: 'A', name: target, data: '127.0.0.1' },
      { type: 'SRV', name: `_grpclb._tcp.${NAME}`, data: { target, port: ports[i]! } },
    ])
    const dns = kept(await startDnsServer([...zone, ...records]))
    return { fairlead, balancers, dns }
  }

  /** @param port of the servers at the name's own addresses */
  function dial(dns: DnsServer, config = '', { port = '443', authority = '' } = {}): CommandedClient {
    const target = `dns://${dns.address}/${NAME}:${port}`
    return kept(new CommandedClient([...program(), target, config, authority]))
  }

  it(
    'calls the servers that the registry names, by their weights, and follows it without a failed call',
    async () => {
      const { fairlead, balancers, dns } = await setUp()
      const [a, b, c] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
      const registration = await fairlead.register(SERVICE, a.address)
      await fairlead.register(SERVICE, b.address, { weight: 3 })
      const client = dial(dns, GRPCLB)
      await shares(client, { [a.address]: 25, [b.address]: 75 })
      await asked(balancers, SERVICE)
      client.start()
      await fairlead.register(SERVICE, c.address)
      await eventually(() => c.tokens.length > 0)
      await registration.close()
      await eventually(() => isLeftAlone(a))
      expect((await client.stop()).errors).toEqual({})
      await shares(client, { [b.address]: 75, [c.address]: 25 })
      expect([...new Set(b.tokens)]).toEqual([expect.stringMatching(/^greeter\//)])
    },
    TIMEOUT_MS,
  )

  it(
    'goes on with the other balancer, and with the addresses of the name when there are neither balancers nor servers',
    async () => {
      const { fairlead, balancers, dns } = await setUp({ records: [{ type: 'A', name: NAME, data: '127.0.0.1' }] })
      const [a, b, own] = (await servers(3)) as [TokenServer, TokenServer, TokenServer]
      await fairlead.register(SERVICE, a.address)
      const client = dial(dns, GRPCLB, { port: own.address.split(':')[1]! })
      await client.settle([a])
      const first = await asked(balancers, SERVICE)
      const others = balancers.filter((balancer) => balancer !== first)
      client.start()
      first.signal()
      await first.ended
      await asked(others, SERVICE)
      await fairlead.register(SERVICE, b.address)
      await eventually(() => b.tokens.length > 0)
      expect((await client.stop()).errors).toEqual({})
      expect(own.tokens).toEqual([])
      for (const other of others) other.signal()
      await Promise.all(others.map(({ ended }) => ended))
      expect((await client.call(20)).errors).toEqual({})
      a.close()
      b.close()
      await client.settle([own], 45_000)
    },
    TIMEOUT_MS,
  )

  it('takes its config from the TXT record of the name', async () => {
    const data = `grpc_config=[{"serviceConfig":${GRPCLB}}]`
    const { fairlead, balancers, dns } = await setUp({ records: [{ type: 'TXT', name: `_grpc_config.${NAME}`, data }] })
    const [a] = (await servers(1)) as [TokenServer]
    await fairlead.register(SERVICE, a.address)
    await dial(dns).settle([a])
    await asked(balancers, SERVICE)
  })

  it('asks for the name that it dials where its config names no service', async () => {
    const { fairlead, balancers, dns } = await setUp()
    const [a] = (await servers(1)) as [TokenServer]
    await fairlead.register(NAME, a.address)
    await dial(dns, serviceConfig({}), { port: '50051' }).settle([a])
    await asked(balancers, NAME)
  })

  it('asks no balancer where no config says grpclb', async () => {
    const { fairlead, balancers, dns } = await setUp({ records: [{ type: 'A', name: NAME, data: '127.0.0.1' }] })
    const [a, own] = (await servers(2)) as [TokenServer, TokenServer]
    await fairlead.register(SERVICE, a.address)
    await dial(dns, '', { port: own.address.split(':')[1]! }).settle([own])
    expect(dns.asked).toContain(`SRV _grpclb._tcp.${NAME}`)
    expect(balancers.some(hasBeenAsked)).toBe(false)
  })

  it('knows balancers by the host of their SRV record, and servers by the name that it dials', async () => {
    const certificates = await makeCertificates()
    const directory = await mkdtemp(join(tmpdir(), 'fairlead-grpclb-dns-'))
    kept({ close: () => Promise.all([certificates.remove(), rm(directory, { recursive: true })]) })
    const [cert, key] = ['cert.pem', 'key.pem'].map((file) => join(directory, file)) as [string, string]
    const ofBalancers = await certificates.issue('balancers', undefined, BALANCERS)
    await Promise.all([writeFile(cert, ofBalancers.cert), writeFile(key, ofBalancers.key)])
    const { fairlead, balancers, dns } = await setUp({ args: ['--tls-cert', cert, '--tls-key', key] })
    const secured = serverCredentials(await certificates.issue('server', undefined, [NAME]))
    const [a] = (await servers(1, secured)) as [TokenServer]
    await fairlead.register(SERVICE, a.address)
    await dial(dns, GRPCLB, { authority: certificates.files.ca }).settle([a])
    await asked(balancers, SERVICE)
  })
}

function serviceConfig(grpclb: object): string {
  return JSON.stringify({ loadBalancingConfig: [{ grpclb }] })
}

function serverCredentials({ cert, key }: KeyPair): ServerCredentials {
  return ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }])
}

async function portOf(balancer: RunningCli): Promise<number> {
  const { listen } = JSON.parse(await balancer.waitForLine(/"listening"/)) as { listen: string }
  return Number(listen.split(':').at(-1))
}

/** The one of the balancers that a client has asked for the service, as soon as there is one. */
function asked(balancers: readonly RunningCli[], service: string): Promise<RunningCli> {
  const line = `"service":"${service}"`
  return eventually(() => balancers.find((each) => hasBeenAsked(each) && each.stdout.includes(line)) ?? false)
}

function hasBeenAsked({ stdout }: RunningCli): boolean {
  return stdout.includes('"event":"joined"')
}

/** Calls until of a hundred calls each server answers so many. */
function shares(client: CommandedClient, expected: Readonly<Record<string, number>>): Promise<void> {
  return eventually(async () => expect(await client.call(100)).toEqual({ counts: expected, errors: {} }))
}

/** Whether a server that is called without pause is so no more. */
async function isLeftAlone({ tokens }: TokenServer): Promise<boolean> {
  const before = tokens.length
  await new Promise((resolve) => setTimeout(resolve, 200))
  return tokens.length === before
}
