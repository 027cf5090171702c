import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { advise } from '../../src/core/advise/advise.js'
import type { Said } from '../../src/core/advise/answers.js'
import { openQuestions, QUESTIONS } from '../../src/core/advise/questions.js'
import { quote } from '../../src/core/advise/quote.js'
import { choosePolicy, parseServiceConfig } from '../../src/core/balancer/service-config.js'
import { parseCheck } from '../../src/core/health/check.js'
import { parseAddress } from '../../src/core/model/address.js'
import { parseListenAddress } from '../../src/core/proxy/listen.js'

const GRPC = { protocol: 'grpc' }
const OURS = { ...GRPC, trust: 'trusted' }
const THEIRS = { ...GRPC, trust: 'untrusted' }

describe('who balances', () => {
  it.each<[string, Said, string]>([
    ['much traffic and trusted clients', { ...OURS, clients: 'many', traffic: 'high' }, 'client'],
    ['trusted clients for which every hop counts', { ...OURS, clients: 'many', latency: 'low' }, 'client'],
    ['few trusted clients', { ...OURS, clients: 'few' }, 'client'],
    ['much traffic of trusted Go clients', { ...OURS, clients: 'many', traffic: 'high', language: 'go' }, 'client'],
    [
      '… of a language without an etcd resolver',
      { ...OURS, clients: 'many', traffic: 'high', language: 'other' },
      'xds',
    ],
    ['many trusted clients with little traffic', { ...OURS, clients: 'many' }, 'proxy'],
    ['few trusted clients without an etcd resolver', { ...OURS, clients: 'few', language: 'other' }, 'proxy'],
    ['many clients behind a trust boundary', { ...THEIRS, clients: 'many' }, 'proxy'],
    ['many clients, low latency, untrusted', { ...THEIRS, clients: 'many', latency: 'low' }, 'lookaside'],
    ['many clients, much traffic, untrusted', { ...THEIRS, clients: 'many', traffic: 'high' }, 'lookaside'],
    ['… in Node.js', { ...THEIRS, clients: 'many', latency: 'low', language: 'node' }, 'xds'],
    ['… with affinity', { ...THEIRS, clients: 'many', latency: 'low', affinity: 'header' }, 'xds'],
    ['an existing Envoy', { ...GRPC, mesh: 'envoy' }, 'xds'],
    ['an existing Istio', { protocol: 'http', mesh: 'istio' }, 'xds'],
    ['HTTP, whoever sends it', { protocol: 'http', clients: 'few', trust: 'trusted', latency: 'low' }, 'proxy'],
    ['a database', { protocol: 'tcp', clients: 'many', trust: 'trusted', mesh: 'envoy' }, 'proxy'],
  ])('%s', (_, said, way) => {
    expect(advise(said).way).toBe(way)
  })
})

describe('what a proxy balances', () => {
  const http = { protocol: 'http', clients: 'many', trust: 'trusted' }

  it.each<[string, Said, string]>([
    ['load that varies over connections', { ...http, connections: 'varied', latency: 'low' }, 'l7'],
    ['affinity by cookie', { ...http, affinity: 'cookie', latency: 'low' }, 'l7'],
    ['affinity by header', { ...http, affinity: 'header', latency: 'low' }, 'l7'],
    ['lowest latency, least resources', { ...http, latency: 'low' }, 'l4'],
    ['affinity by address, lowest latency', { ...http, affinity: 'address', latency: 'low' }, 'l4'],
    ['nothing in particular', http, 'l7'],
    ['what is no HTTP', { ...http, protocol: 'tcp', affinity: 'cookie' }, 'l4'],
  ])('%s', (_, said, layer) => {
    const advice = advise(said)
    expect(advice.layer).toBe(layer)
    expect(advice.commands.at(-1)!.command).toContain(layer === 'l4' ? ' tcp://' : ' http://')
  })

  it('is of no concern elsewhere', () => {
    expect(advise({ ...OURS, clients: 'few' }).layer).toBeUndefined()
  })
})

describe('the policy', () => {
  const http = { protocol: 'http', clients: 'many', trust: 'trusted' }
  const direct = { ...OURS, clients: 'many', traffic: 'high' }

  it.each<[string, Said, string, RegExp]>([
    ['all alike', http, 'weighted_round_robin', /proxy http:\/\/0\.0\.0\.0:8080=web$/],
    ['sessions of browsers', { ...http, affinity: 'cookie' }, 'weighted_round_robin', /--sticky$/],
    ['keys in a header', { ...http, affinity: 'header' }, 'ring_hash', /--policy ring_hash --hash-on header:x-user$/],
    ['clients’ addresses', { ...http, affinity: 'address' }, 'maglev', /--policy maglev --hash-on source_ip$/],
    ['cookies without HTTP', { ...http, protocol: 'tcp', affinity: 'cookie' }, 'maglev', /--hash-on source_ip$/],
    [
      'cookies of gRPC clients',
      { ...OURS, clients: 'many', affinity: 'cookie' },
      'ring_hash',
      /grpc:.* --hash-on header:x-user$/,
    ],
    ['uneven requests', { ...http, requests: 'uneven' }, 'least_request', /--policy least_request$/],
    [
      'uneven requests, low latency',
      { ...http, requests: 'uneven', latency: 'low', connections: 'varied' },
      'peak_ewma',
      /--policy peak_ewma$/,
    ],
    ['uneven connections', { ...http, protocol: 'tcp', requests: 'uneven' }, 'least_connections', /least_connections$/],
    [
      'uneven requests to mixed servers',
      { ...http, requests: 'uneven', servers: 'mixed' },
      'least_connections',
      /least_connections$/,
    ],
    ['mixed servers', { ...http, servers: 'mixed' }, 'weighted_round_robin', /proxy http:\/\/0\.0\.0\.0:8080=web$/],
    [
      'keys, in the client',
      { ...direct, affinity: 'header' },
      'ring_hash',
      /config set .*"requestHashHeader":"x-user"/,
    ],
    ['addresses, in the client', { ...direct, affinity: 'address' }, 'ring_hash', /config set .*ring_hash/],
    [
      'uneven requests, in the client',
      { ...direct, requests: 'uneven' },
      'least_request',
      /config set .*least_request/,
    ],
    [
      'uneven requests, by a lookaside balancer',
      { ...THEIRS, clients: 'many', latency: 'low', requests: 'uneven' },
      'weighted_round_robin',
      /serve --grpclb/,
    ],
  ])('%s', (_, said, policy, last) => {
    const advice = advise(said)
    expect(advice.policy).toBe(policy)
    expect(advice.commands.at(-1)!.command).toMatch(last)
    expect(advice.reasons.at(-1)).toMatch(new RegExp(`^${policy}: `))
  })

  it('weighs mixed servers by the load that they report, and says both commands that takes', () => {
    const { commands } = advise({ ...direct, servers: 'mixed' })
    expect(commands.map(({ command }) => command)).toEqual([
      'fairlead register greeter 10.0.0.5:50051 --report-load cpu',
      `fairlead config set greeter '{"loadBalancingConfig":[{"weighted_round_robin":{"blackoutPeriod":"10s"}}]}'`,
    ])
  })

  it('weighs them by hand where it counts connections', () => {
    const { commands } = advise({ ...http, requests: 'uneven', servers: 'mixed' })
    expect(commands[0]!.command).toBe('fairlead register web 10.0.0.5:8080 --weight 3')
  })
})

describe('a recommendation', () => {
  it('ends the TLS of clients that are not trusted', () => {
    for (const said of [
      { ...THEIRS, clients: 'many' },
      { ...THEIRS, clients: 'many', latency: 'low' },
      { ...THEIRS, clients: 'many', latency: 'low', language: 'node' },
      { protocol: 'tcp', clients: 'few', trust: 'untrusted' },
    ]) {
      const { commands } = advise(said)
      expect(commands.some(({ command }) => /--tls-cert cert\.pem --tls-key key\.pem/.test(command))).toBe(true)
    }
    expect(advise({ ...OURS, clients: 'many' }).commands.at(-1)!.command).not.toContain('tls')
  })

  it('is about the service that is named', () => {
    const { commands, clients } = advise({ ...OURS, clients: 'few' }, 'author')
    expect(commands[0]!.command).toContain(' author ')
    expect(clients[0]).toContain('ns:///author')
    expect(() => advise({ ...OURS, clients: 'few' }, 'a b')).toThrow(/bad service name/)
  })

  it('says all that it takes to find lookaside balancers by DNS', () => {
    const said = { ...THEIRS, clients: 'many', latency: 'low' } as const
    const { clients, notes } = advise(said, 'author')
    expect(clients).toEqual([
      'DNS names each balancer in a record: _grpclb._tcp.author.example.org. SRV 0 0 8001 lb1.example.org.',
      'Clients dial dns:///author.example.org:50051, their default service config being {"loadBalancingConfig":[{"grpclb":{"serviceName":"author"}}]}.',
      'Go: import google.golang.org/grpc/balancer/grpclb.',
      'Java: add io.grpc:grpc-grpclb. C++, Python: set the channel’s option grpc.dns_enable_srv_queries to 1.',
    ])
    expect(notes.join()).toMatch(/host in its SRV record/)
    expect(advise({ ...said, language: 'go' }, 'author').clients).toEqual(clients.slice(0, 3))
    expect(advise({ ...said, language: 'other' }, 'author').clients).toEqual([...clients.slice(0, 2), clients[3]])
  })

  it('tells what Istio, Go and L4 cannot do', () => {
    const notes = (said: Said) => advise(said).notes.join('\n')
    expect(notes({ ...GRPC, mesh: 'istio' })).toMatch(/istiod/)
    expect(notes({ ...OURS, clients: 'few' })).toMatch(/Go’s resolver/)
    expect(notes({ ...OURS, clients: 'few', language: 'node' })).toBe('')
    expect(notes({ ...THEIRS, clients: 'many', latency: 'low' })).toMatch(/servers directly/)
    expect(notes({ ...OURS, clients: 'many', affinity: 'cookie' })).toMatch(/no cookies/)
  })
})

describe('the questions', () => {
  const topics = (said: Said) => openQuestions(said).map(({ topic }) => topic)

  it('are those that make a difference', () => {
    expect(topics({})).toHaveLength(QUESTIONS.length - 1)
    expect(topics({ ...GRPC, mesh: 'envoy' })).toEqual(['affinity', 'requests', 'servers'])
    expect(topics({ protocol: 'tcp' })).toEqual(['clients', 'trust', 'latency', 'affinity', 'requests', 'servers'])
    expect(topics({ ...THEIRS, mesh: 'none', clients: 'many', traffic: 'low', latency: 'normal' })).toContain(
      'connections',
    )
    expect(topics({ ...THEIRS, mesh: 'none', clients: 'many', traffic: 'high' })).not.toContain('connections')
  })

  it('have answers that are taken as they are', () => {
    for (const { otherwise, choices } of QUESTIONS) {
      if (otherwise !== undefined) expect(Object.keys(choices)).toContain(otherwise)
    }
  })
})

interface Flag {
  readonly type: 'boolean' | 'option'
  readonly options?: readonly string[]
}
interface Manifest {
  readonly commands: Readonly<
    Record<string, { readonly flags: Readonly<Record<string, Flag>>; readonly args: Readonly<Record<string, unknown>> }>
  >
}

describe('every command of every recommendation', () => {
  const { commands } = JSON.parse(readFileSync('oclif.manifest.json', 'utf8')) as Manifest
  const printed = new Set(combinations().flatMap((said) => advise(said).commands.map(({ command }) => command)))

  /** Takes a command line apart as a shell and oclif do. Throws where there is no such command, flag or value. */
  function read(line: string) {
    const words = line.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''))
    const [program, first, second] = words
    if (program !== 'fairlead') throw new Error(`no command of ours: ${line}`)
    const isNested = `${first}:${second}` in commands
    const name = isNested ? `${first}:${second}` : first!
    const command = commands[name]
    if (!command) throw new Error(`no such command: ${name}`)
    const flags: Record<string, string> = {}
    const args: string[] = []
    const rest = words.slice(isNested ? 3 : 2)
    while (rest.length > 0) {
      const word = rest.shift()!
      const flag = command.flags[word.replace(/^--/, '')]
      if (!word.startsWith('--')) args.push(word)
      else if (!flag) throw new Error(`no such flag: ${line}: ${word}`)
      else flags[word] = flag.type === 'boolean' ? '' : rest.shift()!
      const value = flags[word]
      if (flag?.options && !flag.options.includes(value!)) throw new Error(`no such value: ${line}: ${word} ${value}`)
    }
    return { name, args, flags }
  }

  it('exists, with its flags and their values', () => {
    expect(printed.size).toBeGreaterThan(30)
    for (const line of printed) expect(() => read(line)).not.toThrow()
  })

  it('has addresses, configs, policies and checks that are taken', () => {
    for (const line of printed) {
      const { name, args, flags } = read(line)
      if (name === 'register') parseAddress(args[1]!)
      if (name === 'config:set') expect(parseServiceConfig(JSON.parse(args[1]!))).toBeDefined()
      if (name === 'proxy') parseListenAddress(args[0]!.slice(0, args[0]!.lastIndexOf('=')))
      if (flags['--policy'] !== undefined) choosePolicy(flags['--policy'])
      if (flags['--health-check'] !== undefined) parseCheck(flags['--health-check'])
    }
  })
})

it('a word is quoted so that a shell takes it as it is', () => {
  for (const word of ['plain-word_1.2:80=web', '{"a":"b c"}', "it's", '$HOME', '', 'a\nb', '`x`']) {
    expect(execFileSync('sh', ['-c', `printf %s ${quote(word)}`], { encoding: 'utf8' })).toBe(word)
  }
})

function combinations(): Said[] {
  return QUESTIONS.reduce<Said[]>(
    (all, { topic, choices }) =>
      all.flatMap((said) => Object.keys(choices).map((value) => ({ ...said, [topic]: value }))),
    [{}],
  )
}
