import { Etcd3 } from 'etcd3'
import { once } from 'node:events'
import { createServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type EtcdOptions, openEtcdStore } from '../../src/core/registry/etcd/index.js'
import type { Store } from '../../src/core/registry/store.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { type Certificates, makeCertificates } from '../support/certificates.js'
import { describeWithPeers } from '../support/peers.js'
import { type RealEtcd, startRealEtcd } from '../support/real-etcd.js'
import { drain, follow } from '../support/watching.js'

const stores: Store[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

function open(options: EtcdOptions): Store {
  const store = openEtcdStore(options, systemRuntime)
  stores.push(store)
  return store
}

describeWithPeers(['etcd'], 'the etcd store with users and roles', () => {
  let etcd: RealEtcd

  beforeAll(async () => {
    etcd = await startRealEtcd({ args: ['--auth-token-ttl', '1'] })
    const admin = new Etcd3({ hosts: etcd.endpoint })
    const readWrite = await admin.role('reader').create()
    await readWrite.grant({ permission: 'Readwrite', range: admin.range({ prefix: '/ns/' }) })
    const alice = await admin.user('alice').create('a secret')
    await alice.addRole('reader')
    await admin.role('root').create()
    const root = await admin.user('root').create('root secret')
    await root.addRole('root')
    await admin.auth.authEnable()
    admin.close()
  })
  afterAll(() => etcd?.close())

  const login = (user: string, password: string) => open({ endpoints: [etcd.endpoint], user, password })
  const put = (store: Store, key: string, value = 'v') => store.txn({ then: [{ type: 'put', key, value }] })

  it('logs in and is let in', async () => {
    const store = login('alice', 'a secret')
    await put(store, '/ns/a')
    expect((await store.list('/ns/')).entries.map(({ key }) => key)).toContain('/ns/a')
    expect(await store.members()).toMatchObject([{ leader: true, problems: [] }])
  })

  it('refuses a wrong password, an unknown user and nobody, without a word of the password', async () => {
    for (const [user, password] of [
      ['alice', 'no secret'],
      ['mallory', 'no secret'],
    ] as const) {
      const store = login(user, password)
      const error = await store.get('/ns/a').catch((error: unknown) => error as Error)
      expect(error).toMatchObject({
        code: 'UNAUTHENTICATED',
        exitCode: 5,
        hint: expect.stringContaining('--password-file'),
      })
      expect(JSON.stringify(error) + String(error)).not.toContain('secret')
      await expect(drain(store.watch(['/ns/'], 1n, new AbortController().signal))).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      })
    }
    const nobody = open({ endpoints: [etcd.endpoint] })
    const failure = { code: 'UNAUTHENTICATED', hint: expect.stringContaining('--user') }
    await expect(nobody.get('/ns/a')).rejects.toMatchObject(failure)
    await expect(put(nobody, '/ns/a')).rejects.toMatchObject(failure)
  })

  it('tells what the user may not do', async () => {
    const store = login('alice', 'a secret')
    const failure = { code: 'PERMISSION_DENIED', exitCode: 5 }
    await expect(store.get('/other/a')).rejects.toMatchObject(failure)
    await expect(store.list('/')).rejects.toMatchObject(failure)
    await expect(put(store, '/other/a')).rejects.toMatchObject(failure)
    for (const prefixes of [['/other/'], ['/ns/', '/other/']]) {
      await expect(drain(store.watch(prefixes, 1n, new AbortController().signal))).rejects.toMatchObject(failure)
    }
    // A refusal leaves nothing behind that stands in the way of what is permitted.
    const { revision } = await store.list('/ns/')
    const watch = follow(store, ['/ns/'], revision + 1n)
    await put(store, '/ns/b')
    await watch.until(({ changes }) => changes.length === 1)
    await watch.stop()
  })

  it('logs in again when the token has expired: calls, watches and renewals', async () => {
    const store = login('alice', 'a secret')
    const lease = await store.grantLease(60)
    const expire = () => new Promise((resolve) => setTimeout(resolve, 2_200))
    await expire()
    const { revision } = await put(store, '/ns/a', '1')
    await expire()
    const watch = follow(store, ['/ns/'], revision)
    await watch.until(({ changes }) => changes.length === 1)
    await expire()
    await put(store, '/ns/a', '2')
    await watch.until(({ changes }) => changes.length === 2)
    await watch.stop()
    await expire()
    const answer = await new Promise<number>((resolve, reject) => {
      const stream = store.openKeepAlive({ onAnswer: (_id, ttl) => resolve(ttl), onEnd: reject })
      stream.send(lease.id)
    })
    expect(answer).toBe(60)
  })

  it('logs in again when users have changed', async () => {
    const store = login('alice', 'a secret')
    await put(store, '/ns/a')
    const admin = new Etcd3({ hosts: etcd.endpoint, auth: { username: 'root', password: 'root secret' } })
    await admin.user('bob').create('another secret')
    await put(store, '/ns/a')
    await admin.user('bob').delete()
    const watch = follow(store, ['/ns/'], 1n)
    await watch.until(({ changes }) => changes.length > 0)
    await watch.stop()
    admin.close()
  })
})

describeWithPeers(['etcd'], 'the etcd store over TLS', () => {
  let certificates: Certificates
  let etcd: RealEtcd
  let strict: RealEtcd

  beforeAll(async () => {
    certificates = await makeCertificates()
    const { ca, cert, key } = certificates.files
    const args = ['--cert-file', cert, '--key-file', key]
    ;[etcd, strict] = await Promise.all([
      startRealEtcd({ scheme: 'https', args }),
      startRealEtcd({ scheme: 'https', args: [...args, '--client-cert-auth', '--trusted-ca-file', ca] }),
    ])
  })
  afterAll(async () => {
    await etcd?.close()
    await strict?.close()
    await certificates?.remove()
  })

  const reach = (store: Store) => store.txn({ then: [{ type: 'put', key: '/a', value: 'v' }] })

  it('trusts the given authority, with or without https:// before the endpoint', async () => {
    const tls = { ca: certificates.ca }
    await reach(open({ endpoints: [etcd.endpoint], tls }))
    await reach(open({ endpoints: [`127.0.0.1:${etcd.port}`], tls }))
    await reach(open({ endpoints: [`localhost:${etcd.port}`], tls }))
  })

  it('shows its own certificate where it is asked for', async () => {
    const { ca, client } = certificates
    const store = open({ endpoints: [strict.endpoint], tls: { ca, ...client } })
    const { revision } = await reach(store)
    const watch = follow(store, ['/'], revision)
    await watch.until(({ changes }) => changes.length === 1)
    await watch.stop()
  })

  it.each([
    [
      'an authority that did not sign the certificate',
      () => open({ endpoints: [etcd.endpoint], tls: { ca: certificates.stranger } }),
    ],
    ['no authority', () => open({ endpoints: [etcd.endpoint] })],
    [
      'no client certificate where one is asked for',
      () => open({ endpoints: [strict.endpoint], tls: { ca: certificates.ca } }),
    ],
    ['plaintext', () => open({ endpoints: [`http://127.0.0.1:${etcd.port}`] })],
  ])('fails clearly with %s', async (_case, openWrongly) => {
    await expect(openWrongly().get('/a')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      hint: expect.stringMatching(/TLS/),
    })
  })

  it('fails clearly where the certificate bears another name', async () => {
    const impostor = createServer({ ...certificates.misnamed, ALPNProtocols: ['h2'] })
    impostor.listen(0, '127.0.0.1')
    await once(impostor, 'listening')
    const { port } = impostor.address() as { port: number }
    const store = open({ endpoints: [`https://localhost:${port}`], tls: { ca: certificates.ca } })
    await expect(store.get('/a')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining("does not match certificate's altnames"),
      hint: expect.stringContaining('name in the server certificate'),
    })
    impostor.close()
  })

  it('sends a password over TLS to any host', () => {
    open({ endpoints: ['https://etcd.example:2379'], user: 'alice', password: 'a secret' })
  })
})
