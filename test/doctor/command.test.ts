import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { run } from '../support/cli.js'
import { freePort } from '../support/real-etcd.js'

let registry: TestRegistry
beforeAll(async () => {
  registry = await startRegistry()
})
afterAll(() => registry.close())

describe('fairlead doctor', () => {
  it('exits 0 where nothing is wrong and 1 where it finds an error', async () => {
    const env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
    expect((await run(['register', 'web', registry.endpoint, '--permanent'], { env })).code).toBe(0)
    const fine = await run(['doctor', '--json'], { env })
    expect(fine.code).toBe(0)
    expect(JSON.parse(fine.stdout)).toMatchObject({
      schemaVersion: 1,
      members: [{ endpoint: registry.endpoint, problems: [] }],
      services: 1,
      endpoints: 1,
      findings: [{ severity: 'info', subject: `/ns/web/${registry.endpoint}` }],
    })

    const dead = `127.0.0.1:${await freePort()}`
    expect((await run(['register', 'web', dead, '--permanent'], { env })).code).toBe(0)
    const ill = await run(['doctor', 'web'], { env })
    expect(ill.code).toBe(1)
    expect(ill.stdout).toMatch(new RegExp(`^error +${dead} +does not answer`, 'm'))
  })

  it('exits 4 without a registry', async () => {
    const ended = await run(['doctor', '--endpoints', `127.0.0.1:${await freePort()}`, '--json'])
    expect(ended.code).toBe(4)
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'UNAVAILABLE', exit: 4 } })
  })
})
