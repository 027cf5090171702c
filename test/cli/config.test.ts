import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { run } from '../support/cli.js'

const CONFIG = '{"loadBalancingConfig":[{"least_request":{"choiceCount":3}}],"methodConfig":[]}'

let registry: TestRegistry
beforeAll(async () => {
  registry = await startRegistry()
})
afterAll(() => registry.close())

const config = (args: string[], input?: string) =>
  run(['config', ...args], {
    env: { FAIRLEAD_ENDPOINTS: registry.endpoint },
    ...(input === undefined ? {} : { input }),
  })

describe('fairlead config', () => {
  it('sets, gets and unsets a service config', async () => {
    expect(await config(['set', 'web', CONFIG])).toMatchObject({ code: 0, stdout: '' })
    const shown = await config(['get', 'web'])
    expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(CONFIG))
    const json = await config(['get', 'web', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ schemaVersion: 1, service: 'web', config: JSON.parse(CONFIG) as unknown })
    expect((await config(['unset', 'web'])).code).toBe(0)
    expect((await config(['get', 'web'])).code).toBe(3)
    expect((await config(['unset', 'web'])).code).toBe(3)
  })

  it('reads the config from stdin', async () => {
    expect((await config(['set', 'piped', '-'], `${CONFIG}\n`)).code).toBe(0)
    expect((await config(['get', 'piped', '-o', 'plain'])).stdout).toBe(`${CONFIG}\n`)
  })

  it.each([
    ['{"loadBalancingConfig":}', /line 1, column 24/],
    ['{"loadBalancingConfig":[{"fastest":{}}]}', /fastest/],
    ['{"loadBalancingConfig":[{"least_request":{"choiceCount":1}}]}', /choiceCount/i],
    ['{"methodConfig":[{"name":[{}],"timeout":"soon"}]}', /timeout is not a duration/],
    ['{"retryThrottling":{"maxTokens":0,"tokenRatio":1}}', /maxTokens/],
    ['[]', /object/],
  ])('refuses %s with 2, stores nothing', async (json, message) => {
    const refused = await config(['set', 'refused', json, '--json'])
    expect(refused.code).toBe(2)
    expect(JSON.parse(refused.stdout)).toMatchObject({
      schemaVersion: 1,
      error: { code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) as string, exit: 2 },
    })
    expect((await config(['get', 'refused'])).code).toBe(3)
  })
})
