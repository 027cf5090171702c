import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { resolveSettings } from '../../src/cli/settings.js'

const directory = mkdtempSync(join(tmpdir(), 'fairlead-settings-'))
afterAll(() => rmSync(directory, { recursive: true }))

function file(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

const wrong = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) as string })

describe('settings', () => {
  it('have the defaults of the contract', async () => {
    expect(await resolveSettings({}, {})).toMatchObject({
      endpoints: ['127.0.0.1:2379'],
      dialTimeoutMs: 2000,
      commandTimeoutMs: 5000,
      prefix: '/ns',
      output: 'table',
      insecure: false,
      logLevel: 'warn',
    })
  })

  it('come from flag, FAIRLEAD_*, ETCDCTL_*, config file, default, in this order', async () => {
    const config = file('order.yaml', 'endpoints: [file:1, file:2]\n')
    const flags = { endpoints: 'flag:1', config }
    const env = { FAIRLEAD_ENDPOINTS: 'fairlead:1', ETCDCTL_ENDPOINTS: 'etcdctl:1' }
    const endpoints = async (...[flags, env]: Parameters<typeof resolveSettings>) =>
      (await resolveSettings(flags, env)).endpoints
    expect(await endpoints(flags, env)).toEqual(['flag:1'])
    expect(await endpoints({ config }, env)).toEqual(['fairlead:1'])
    expect(await endpoints({ config }, { ...env, FAIRLEAD_ENDPOINTS: '' })).toEqual(['etcdctl:1'])
    expect(await endpoints({ config }, {})).toEqual(['file:1', 'file:2'])
    expect(await endpoints({}, { FAIRLEAD_CONFIG: config })).toEqual(['file:1', 'file:2'])
  })

  it('take --json over every -o there is', async () => {
    expect((await resolveSettings({ json: true }, { FAIRLEAD_OUTPUT: 'yaml' })).output).toBe('json')
  })

  it.each([
    [{ FAIRLEAD_DIAL_TIMEOUT: '2' }, /FAIRLEAD_DIAL_TIMEOUT "2"/],
    [{ ETCDCTL_COMMAND_TIMEOUT: '0s' }, /ETCDCTL_COMMAND_TIMEOUT "0s"/],
    [{ FAIRLEAD_OUTPUT: 'xml' }, /FAIRLEAD_OUTPUT "xml"/],
    [{ FAIRLEAD_INSECURE: 'maybe' }, /FAIRLEAD_INSECURE "maybe"/],
    [{ FAIRLEAD_ENDPOINTS: ' , ' }, /FAIRLEAD_ENDPOINTS/],
  ])('name the variable that is wrong: %j', async (env, message) => {
    await expect(resolveSettings({}, env)).rejects.toThrow(wrong(message))
  })

  it.each([
    ['endpoint: x:1', /unknown key "endpoint"/],
    ['- a', /not a mapping/],
    ['endpoints: [1]', /endpoints has a value of the wrong type/],
    ['insecure: "yes"', /insecure has a value of the wrong type/],
    ['{"prefix": ', /bad\.yaml:1:/],
  ])('name what is wrong in a config file: %s', async (content, message) => {
    await expect(resolveSettings({ config: file('bad.yaml', content) }, {})).rejects.toThrow(wrong(message))
  })

  it('suggest the key that was meant', async () => {
    const misspelt = resolveSettings({ config: file('misspelt.yaml', 'endpoint: x:1') }, {})
    await expect(misspelt).rejects.toThrow(expect.objectContaining({ hint: 'did you mean endpoints?' }))
  })

  it('name a config file that is missing', async () => {
    await expect(resolveSettings({ config: join(directory, 'none') }, {})).rejects.toThrow(wrong(/none cannot be read/))
  })
})

describe('credentials', () => {
  const login = async (...args: Parameters<typeof resolveSettings>) => {
    const settings = await resolveSettings(...args)
    return [settings.user, settings.password()]
  }

  it('come from a password file, without its line end', async () => {
    const secret = file('secret', ' pass word \n')
    expect(await login({ 'user': 'root', 'password-file': secret }, { FAIRLEAD_PASSWORD: 'x' })).toEqual([
      'root',
      ' pass word ',
    ])
  })

  it('come from the environment', async () => {
    expect(await login({}, { ETCDCTL_USER: 'root:pa:ss' })).toEqual(['root', 'pa:ss'])
    expect(await login({}, { ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'one' })).toEqual(['root', 'one'])
    expect(await login({ user: 'me' }, { FAIRLEAD_PASSWORD: 'two', ETCDCTL_PASSWORD: 'one' })).toEqual(['me', 'two'])
  })

  it('take the password from the strongest source, as every other setting', async () => {
    const near = file('near', 'near')
    const config = file('login.yaml', `user: file\npassword-file: ${file('far', 'far')}\n`)
    expect(await login({ config }, {})).toEqual(['file', 'far'])
    expect(await login({ config }, { ETCDCTL_USER: 'root:own' })).toEqual(['root', 'own'])
    expect(await login({ config }, { FAIRLEAD_PASSWORD: 'env' })).toEqual(['file', 'env'])
    expect(await login({ config, 'password-file': near }, { FAIRLEAD_PASSWORD: 'env' })).toEqual(['file', 'near'])
    expect(await login({}, { ETCDCTL_USER: 'root', ETCDCTL_PASSWORD_FILE: near })).toEqual(['root', 'near'])
  })

  it("never pair a flag's user with the password of another user", async () => {
    expect(await login({ user: 'me' }, { ETCDCTL_USER: 'root:secret' })).toEqual(['me', undefined])
  })

  it('are refused as an argument, without repeating them', async () => {
    const given = resolveSettings({ user: 'root:secret' }, {})
    await expect(given).rejects.toThrow(wrong(/^((?!secret).)*$/))
  })
})
