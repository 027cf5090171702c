import { Etcd3 } from 'etcd3'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../support/cli.js'
import { describeWithPeers } from '../support/peers.js'
import { type RealEtcd, startRealEtcd } from '../support/real-etcd.js'

interface Report {
  readonly permitted: object
  readonly findings: readonly { readonly check: string; readonly subject: string; readonly severity: string }[]
}

describeWithPeers(['etcd'], 'fairlead doctor and what the user may do in a real etcd', () => {
  let etcd: RealEtcd
  let admin: Etcd3
  let folder: string
  beforeAll(async () => {
    etcd = await startRealEtcd()
    folder = mkdtempSync(join(tmpdir(), 'fairlead-doctor-'))
    writeFileSync(join(folder, 'password'), 'secret')
    admin = new Etcd3({ hosts: etcd.endpoint })
    await admin.put('/ns/web/127.0.0.1:1').value('{"Addr":"127.0.0.1:1","Metadata":{"state":"maint"}}')
    for (const [name, permission, keys] of [
      ['writer', 'Readwrite', ['/ns/']],
      ['reader', 'Read', ['/ns/']],
      ['guest', 'Read', ['/ns/web/']],
      ['nobody', 'Read', []],
    ] as const) {
      const role = await admin.role(name).create()
      for (const key of keys) await role.grant({ permission, range: admin.range({ prefix: key }) })
      await (await admin.user(name).create('secret')).addRole(name)
    }
    await admin.role('root').create()
    await (await admin.user('root').create('secret')).addRole('root')
    await admin.auth.authEnable()
  })
  afterAll(async () => {
    admin?.close()
    await etcd?.close()
    rmSync(folder, { recursive: true })
  })

  async function examine(user: string, ...args: string[]): Promise<Report & { readonly code: number | null }> {
    const flags = ['--endpoints', etcd.endpoint, '--user', user, '--password-file', join(folder, 'password')]
    const { code, stdout } = await run(['doctor', ...args, ...flags, '--json'])
    return { code, ...(JSON.parse(stdout) as Report) }
  }

  it('tells readers from writers, and leaves everything as it was', async () => {
    const root = new Etcd3({ hosts: etcd.endpoint, auth: { username: 'root', password: 'secret' } })
    const before = (await root.getAll().prefix('/').exec()).header.revision
    expect(await examine('writer')).toMatchObject({ permitted: { read: true, write: true } })
    const reader = await examine('reader')
    expect(reader.permitted).toEqual({ read: true, write: false })
    expect(reader.findings.map(({ check }) => check)).toContain('write')
    expect((await root.getAll().prefix('/').exec()).header.revision).toBe(before)
    root.close()
  })

  it('looks at a service of which little else can be read', async () => {
    const guest = await examine('guest', 'web')
    expect(guest.permitted).toEqual({ read: true, write: false })
    expect(guest.findings.filter(({ check }) => check === 'read').map(({ subject }) => subject)).toEqual([
      '/ns/.balancers/web/',
      '/ns/.config/web',
      '/ns/.gone/web/',
    ])
  })

  it('says what to grant where nothing can be read', async () => {
    const nobody = await examine('nobody', 'web')
    expect(nobody).toMatchObject({ code: 1, permitted: { read: false } })
    expect(nobody.findings[0]).toMatchObject({ severity: 'error', subject: '/ns/web/' })
  })

  it('exits 5 for a wrong password', async () => {
    writeFileSync(join(folder, 'wrong'), 'wrong')
    const flags = ['--endpoints', etcd.endpoint, '--user', 'reader', '--password-file', join(folder, 'wrong')]
    expect((await run(['doctor', ...flags])).code).toBe(5)
  })
})
