import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { describeWithPeers } from '../support/peers.js'

describeWithPeers(['etcdctl'], 'etcdctl on the in-memory registry', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterAll(() => registry.close())

  const environment = () => ({ PATH: process.env['PATH'], ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: registry.endpoint })

  /** Runs etcdctl to its end: its output, both streams. Throws where its status is not `status`. */
  function etcdctl(args: readonly string[], { input = '', status = 0 } = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile('etcdctl', args, { env: environment(), timeout: 20_000 }, (error, stdout, stderr) => {
        const code = error ? error.code : 0
        if (code === status) resolve(stdout + stderr)
        else reject(new Error(`etcdctl ${args.join(' ')} exited with ${code}: ${stdout}${stderr}`))
      })
      child.stdin!.end(input)
    })
  }

  /** Starts etcdctl; `until` resolves with its output once that matches. */
  function startEtcdctl(args: readonly string[]) {
    const child: ChildProcess = spawn('etcdctl', args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => void child.kill())
    let output = ''
    const until = (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const check = () => {
          if (pattern.test(output)) resolve(output)
        }
        for (const stream of [child.stdout!, child.stderr!]) {
          stream.on('data', (chunk: Buffer) => {
            output += chunk.toString()
            check()
          })
        }
        child.on('exit', () => reject(new Error(`etcdctl ${args.join(' ')} ended:\n${output}`)))
        check()
      })
    return { until }
  }

  it('puts, gets, counts and deletes', async () => {
    expect(await etcdctl(['put', 'kv/a', '1'])).toBe('OK\n')
    expect(await etcdctl(['put', 'kv/b', '2'])).toBe('OK\n')
    expect(await etcdctl(['put', '--prev-kv', 'kv/a', '3'])).toBe('OK\nkv/a\n1\n')
    expect(await etcdctl(['get', '--prefix', 'kv/'])).toBe('kv/a\n3\nkv/b\n2\n')
    expect(await etcdctl(['get', '--prefix', 'kv/', '--order', 'DESCEND', '--limit', '1', '--keys-only'])).toMatch(
      /^kv\/b\n/,
    )
    expect(JSON.parse(await etcdctl(['get', '--prefix', 'kv/', '-w', 'json']))).toMatchObject({ count: 2 })
    expect(await etcdctl(['del', '--prefix', 'kv/'])).toBe('2\n')
    expect(await etcdctl(['get', '--prefix', 'kv/'])).toBe('')
  })

  it('commits transactions', async () => {
    const input = 'create("txn/a") = "0"\n\nput txn/a 1\n\nget txn/a\n\n'
    expect(await etcdctl(['txn'], { input })).toBe('SUCCESS\n\nOK\n')
    expect(await etcdctl(['txn'], { input })).toBe('FAILURE\n\ntxn/a\n1\n')
  })

  it('watches from a revision on', async () => {
    const { header } = JSON.parse(await etcdctl(['put', 'watch/a', '1', '-w', 'json'])) as {
      header: { revision: number }
    }
    const watch = startEtcdctl(['watch', '--prefix', 'watch/', '--prev-kv', '--rev', `${header.revision}`])
    await watch.until(/PUT\nwatch\/a\n1\n/)
    await etcdctl(['put', 'watch/b', '2'])
    await etcdctl(['del', 'watch/a'])
    const output = await watch.until(/DELETE/)
    expect(output).toContain('PUT\nwatch/a\n1\nPUT\nwatch/b\n2\nDELETE\n')
  })

  it('grants, keeps alive, looks at, lists and revokes leases', async () => {
    const [, id] = /^lease ([0-9a-f]+) granted with TTL\(30s\)\n$/.exec(await etcdctl(['lease', 'grant', '30']))!
    await etcdctl(['put', '--lease', id!, 'lease/a', '1'])
    const renewal = await startEtcdctl(['lease', 'keep-alive', id!]).until(/TTL/)
    expect(renewal).toContain(`lease ${id} keepalived with TTL(30)`)
    expect(await etcdctl(['lease', 'timetolive', '--keys', id!])).toMatch(
      new RegExp(`^lease ${id} granted with TTL\\(30s\\), remaining\\(\\d+s\\), attached keys\\(\\[lease/a\\]\\)\n$`),
    )
    expect(await etcdctl(['lease', 'list'])).toContain(id)
    expect(await etcdctl(['lease', 'revoke', id!])).toBe(`lease ${id} revoked\n`)
    expect(await etcdctl(['get', 'lease/a'])).toBe('')
    expect(await etcdctl(['lease', 'timetolive', id!])).toBe(`lease ${id} already expired\n`)
  })

  it('finds the one member healthy', async () => {
    expect(await etcdctl(['endpoint', 'health'])).toContain(`${registry.endpoint} is healthy`)
    expect(await etcdctl(['endpoint', 'health', '--cluster'])).toContain(`${registry.endpoint} is healthy`)
    const [status] = JSON.parse(await etcdctl(['endpoint', 'status', '-w', 'json'])) as {
      Status: { version: string; leader: number; header: { member_id: number } }
    }[]
    expect(status!.Status).toMatchObject({ version: '3.6.0', leader: status!.Status.header.member_id })
    expect(await etcdctl(['member', 'list'])).toContain(`, started, fairlead, , http://${registry.endpoint}, false`)
    expect(await etcdctl(['alarm', 'list'])).toBe('')
  })

  it('compacts, and is told that what was compacted is gone', async () => {
    const { header } = JSON.parse(await etcdctl(['put', 'compact', '1', '-w', 'json'])) as {
      header: { revision: number }
    }
    await etcdctl(['put', 'compact', '2'])
    expect(await etcdctl(['compaction', `${header.revision + 1}`])).toBe(`compacted revision ${header.revision + 1}\n`)
    const refused = await etcdctl(['get', 'compact', '--rev', `${header.revision}`], { status: 1 })
    expect(refused).toContain('Error: etcdserver: mvcc: required revision has been compacted')
  })

  it('locks and elects', async () => {
    expect(await etcdctl(['lock', 'lock', 'echo', 'held'])).toContain('held')
    const election = startEtcdctl(['elect', 'election', 'proposal'])
    expect(await election.until(/proposal/)).toMatch(/^election\/[0-9a-f]+\nproposal\n/)
  })

  it('is told clearly what is not there', async () => {
    const message = (method: string) => `/etcdserverpb.${method} is not implemented by fairlead's in-memory registry`
    expect(await etcdctl(['user', 'add', 'root:secret'], { status: 1 })).toContain(message('Auth/UserAdd'))
    expect(await etcdctl(['defrag'], { status: 1 })).toContain(message('Maintenance/Defragment'))
    const file = join(tmpdir(), `fairlead-${process.pid}.snapshot`)
    expect(await etcdctl(['snapshot', 'save', file], { status: 5 })).toContain(message('Maintenance/Snapshot'))
    // As with an etcd that has no authentication, a login is refused and the command goes on without.
    expect(await etcdctl(['--user', 'root:secret', 'get', 'a'])).toContain('authentication is not enabled')
  })
})
