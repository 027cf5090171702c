import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { POLICY_NAMES } from '../../src/core/balancer/policies/index.js'
import { run } from '../support/cli.js'
import { describeWithPeers } from '../support/peers.js'
import { startRealEtcd } from '../support/real-etcd.js'

const ETCDCTL = { ...process.env, ETCDCTL_API: '3' }
const THREE = '10.0.0.1:80@5,10.0.0.2:80,10.0.0.3:80'
const pick = (...args: readonly string[]) => run(['pick', ...args])
const pickStatic = (...args: readonly string[]) => pick('--static', THREE, ...args)
const json = async (...args: readonly string[]) => JSON.parse((await pick(...args, '--json')).stdout) as PickJson

interface PickJson {
  readonly picks: number
  readonly address: string | null
  readonly chiSquare?: { readonly verdict: string } | null
  readonly distribution: readonly { address: string; picks: number; share: number; expected: number }[]
}

describe('fairlead pick --static', () => {
  it('begins several picks at the first position and prints one address a line', async () => {
    const { code, stdout } = await pickStatic('-n', '7', '-o', 'plain')
    expect(code).toBe(0)
    expect(stdout.match(/(?<=10\.0\.0\.)\d/g)!.join('')).toBe('1121311')
  })

  it('answers in JSON as the contract has it', async () => {
    const { stdout } = await pick('--static', '10.0.0.6:80@2,10.0.0.5:80@3', '-n', '1000', '--json')
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      service: '10.0.0.6:80@2,10.0.0.5:80@3',
      policy: 'weighted_round_robin',
      picks: 1000,
      address: expect.stringMatching(/^10\.0\.0\.[56]:80$/) as string,
      distribution: [
        { address: '10.0.0.6:80', weight: 2, picks: 400, share: 0.4, expected: 0.4 },
        { address: '10.0.0.5:80', weight: 3, picks: 600, share: 0.6, expected: 0.6 },
      ],
      chiSquare: { statistic: 0, degreesOfFreedom: 1, pValue: 1, verdict: 'even', enough: 13 },
    })
  })

  it('makes a single pick with a seed at the first position', async () => {
    for (const seed of ['1', '2']) {
      expect((await json('--static', THREE, '--policy', 'round_robin', '--seed', seed)).address).toBe('10.0.0.1:80')
    }
  })

  it('repeats draws with a seed', async () => {
    const [first, again, other] = await Promise.all(
      ['7', '7', '8'].map((seed) => pickStatic('--policy', 'random', '-n', '30', '--seed', seed, '-o', 'plain')),
    )
    expect(first!.stdout).toBe(again!.stdout)
    expect(first!.stdout).not.toBe(other!.stdout)
  })

  it('sends one key to one endpoint', async () => {
    const { distribution } = await json('--static', THREE, '--policy', 'maglev', '--hash-key', 'user-42', '-n', '50')
    expect(distribution.map(({ picks }) => picks).sort()).toEqual([0, 0, 50])
  })

  it('explains who is in and who is out', async () => {
    const { stdout } = await pick('--static', '10.0.0.1:80,10.0.0.2:80@0', '--explain', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      explain: {
        endpoints: [
          { address: '10.0.0.1:80', included: true, reason: 'ready' },
          { address: '10.0.0.2:80', included: false, reason: 'weight 0 while others have more' },
        ],
        policy: { name: 'weighted_round_robin', from: 'default' },
      },
    })
  })

  it('tells people how the shares agree with the expected ones, and programs that ask', async () => {
    const { stdout, stderr } = await pickStatic('-n', '700', '--policy', 'weighted_random', '--seed', '1')
    expect(stdout).toMatch(/^ADDRESS +WEIGHT +PICKS +SHARE +EXPECTED\n/)
    expect(stderr).toMatch(/^chi-square \d+\.\d\d, 2 degrees of freedom, p = 0\.\d{4}: \w.*\n$/)
    expect((await pickStatic('-n', '700', '-o', 'plain')).stderr).toBe('')
    const verdict = async (...args: readonly string[]) => (await json('--static', THREE, ...args)).chiSquare?.verdict
    expect(await verdict('-n', '700', '--policy', 'weighted_random', '--seed', '1')).toBe('chance')
    expect(await verdict('-n', '34')).toBe('too_few')
    expect(await verdict('-n', '50', '--policy', 'pick_first')).toBeUndefined()
    expect(await verdict('-n', '50', '--policy', 'maglev', '--hash-key', 'x')).toBeUndefined()
  })

  it('refuses an unknown policy and names the known ones', async () => {
    const { code, stderr, stdout } = await pickStatic('--policy', 'fastest')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    for (const name of POLICY_NAMES) expect(stderr).toContain(name)
  })

  it.each([
    ['both a service and a list', ['web', '--static', THREE]],
    ['neither', []],
    ['no picks', ['--static', THREE, '-n', '0']],
    ['a bad address', ['--static', '10.0.0.1']],
  ])('refuses %s', async (_, args) => {
    expect((await pick(...args)).code).toBe(2)
  })
})

describeWithPeers(['script'], 'fairlead pick on a terminal', () => {
  const terminal = (columns: number, ...args: string[]) => {
    const command = `stty cols ${columns}; ${process.execPath} bin/run.js pick --static ${THREE} ${args.join(' ')}`
    const env = { ...process.env, TERM: 'xterm', NO_COLOR: '1' }
    return spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', env }).stdout
  }

  it('draws the shares as bars with the expected ones marked', () => {
    const lines = terminal(100, '-n', '700').split(/\r?\n/)
    expect(lines[0]).toMatch(/EXPECTED {3}━ SHARE, ╎ EXPECTED$/)
    expect(lines[1]).toMatch(/^10\.0\.0\.1:80 .* 71\.4% {6}━{39}╎$/)
    expect(lines[2]).toMatch(/^10\.0\.0\.2:80 .* 14\.3% {6}━{8}╎$/)
    expect(lines[4]).toMatch(/^chi-square 0\.00, 2 degrees of freedom, p = 1\.0000: /)
  })

  it('draws none for a single pick, nor where there is no room', () => {
    expect(terminal(100)).not.toContain('━')
    expect(terminal(50, '-n', '700')).not.toContain('━')
  })
})

describeWithPeers(['etcd'], 'fairlead pick SERVICE', () => {
  it('goes by the records and the service config', async () => {
    const etcd = await startRealEtcd()
    try {
      const put = (key: string, value: string) =>
        expect(spawnSync('etcdctl', ['--endpoints', etcd.endpoint, 'put', key, value], { env: ETCDCTL }).status).toBe(0)
      const record = (address: string, metadata: object) =>
        put(`/ns/web/${address}`, JSON.stringify({ Op: 0, Addr: address, Metadata: metadata }))
      const web = (...args: readonly string[]) => pick('web', '--endpoints', etcd.endpoint, ...args)

      expect((await web()).code).toBe(3)
      record('10.0.0.1:80', { weight: 2 })
      record('10.0.0.2:80', { state: 'drain' })
      put('/ns/web/10.0.0.3:80', '10.0.0.3:80')
      put('/ns/.config/web', '{"loadBalancingConfig":[{"unheard_of":{}},{"ring_hash_experimental":{}}]}')
      expect(JSON.parse((await web('--json')).stdout)).toMatchObject({ service: 'web', policy: 'ring_hash' })
      const { stdout } = await web('--policy', 'weighted_round_robin', '-n', '3', '-o', 'plain')
      expect(stdout).toBe('10.0.0.1:80\n10.0.0.3:80\n10.0.0.1:80\n')

      for (const address of ['10.0.0.1:80', '10.0.0.3:80']) record(address, { state: 'maint' })
      const explained = await web('--explain', '--json')
      expect(explained.code).toBe(3)
      expect(JSON.parse(explained.stdout)).toMatchObject({
        picks: 0,
        address: null,
        explain: { policy: { name: 'ring_hash', from: 'service_config' }, skipped: [] },
      })
      expect((await web('--json')).stdout).toContain('"code":"NO_ENDPOINTS"')
    } finally {
      await etcd.close()
    }
  })
})
