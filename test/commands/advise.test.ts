import { describe, expect, it } from 'vitest'
import { run } from '../support/cli.js'

describe('fairlead advise', () => {
  it('says how, why and by which commands', async () => {
    const { code, stdout, stderr } = await run([
      'advise',
      '--protocol',
      'grpc',
      '--clients',
      'many',
      '--trust',
      'untrusted',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Run a proxy that ends TLS: it balances calls \(L7\)\.\n\nWhy\n- /)
    expect(stdout).toContain('\n$ fairlead proxy grpc://0.0.0.0:8443=greeter --tls-cert cert.pem --tls-key key.pem\n')
  })

  it('says the same to programs', async () => {
    const args = [
      '--protocol',
      'grpc',
      '--clients',
      'many',
      '--trust',
      'trusted',
      '--traffic',
      'high',
      '--service',
      'author',
    ]
    const { stdout } = await run(['advise', ...args, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      service: 'author',
      answers: { protocol: 'grpc', mesh: 'none', traffic: 'high', affinity: 'none' },
      way: 'client',
      layer: null,
      policy: 'weighted_round_robin',
      commands: [
        { purpose: expect.any(String) as string, command: 'fairlead register author 10.0.0.5:50051' },
        { command: expect.stringContaining('fairlead config set author') as string },
      ],
    })
    expect((await run(['advise', ...args, '-o', 'plain'])).stdout).toMatch(
      /^fairlead register .*\nfairlead config .*\n$/,
    )
  })

  it('names the flags that are missing where it cannot ask', async () => {
    const { code, stderr } = await run(['advise', '--clients', 'few'])
    expect(code).toBe(2)
    expect(stderr).toContain('not said: --protocol, --trust')
    expect((await run(['advise', '--protocol', 'http', '--mesh', 'envoy'])).code).toBe(0)
    expect((await run(['advise', '--protocol', 'smtp'])).code).toBe(2)
  })
})
