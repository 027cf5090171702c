import { expect, it } from 'vitest'
import type { Connection } from '../../../src/core/registry/etcd/connection.js'
import { LoginToken } from '../../../src/core/registry/etcd/login-token.js'

const connection = {} as Connection

function setUp() {
  const logins: { succeed(token: string): void; fail(error: Error): void }[] = []
  const token = new LoginToken(() => new Promise((succeed, fail) => void logins.push({ succeed, fail })))
  return { logins, token }
}

it('logs in once, however many calls find the same token to be stale', async () => {
  const { logins, token } = setUp()
  const first = token.get(connection)
  logins[0]!.succeed('a')
  expect(await first).toBe('a')
  token.discard('a')
  const second = token.get(connection)
  token.discard('a')
  const third = token.get(connection)
  expect(logins).toHaveLength(2)
  logins[1]!.succeed('b')
  expect([await second, await third]).toEqual(['b', 'b'])
  token.discard('a')
  expect(await token.get(connection)).toBe('b')
  token.discard('b')
  void token.get(connection)
  expect(logins).toHaveLength(3)
})

it('logs in again after a login that failed', async () => {
  const { logins, token } = setUp()
  const first = token.get(connection)
  logins[0]!.fail(new Error('away'))
  await expect(first).rejects.toThrow('away')
  void token.get(connection)
  expect(logins).toHaveLength(2)
})
