import { describe, expect, it } from 'vitest'
import { Code, ownPrefix, put, type Subject } from './subject.js'

/** What clients ask of a server beside its data. */
export function describeServices(subject: Subject): void {
  describe('the other services', () => {
    it('tell the status of the one member, who leads', async () => {
      const { etcd } = subject
      const revision = await put(etcd, ownPrefix(), 'value')
      const status = await etcd.call('Status')
      expect(status['version']).toMatch(/^3\.\d+\.\d+$/)
      expect(status).toMatchObject({ leader: status.header.member_id, raftTerm: status.header.raft_term, errors: [] })
      expect(status.header.revision).toBe(`${revision}`)
      expect(Number(status['dbSize'])).toBeGreaterThan(0)
      expect(status.header.cluster_id).not.toBe('0')
    })

    it('list the member with an address for clients', async () => {
      const { etcd } = subject
      const listed = await etcd.call('MemberList')
      expect(listed['members']).toMatchObject([
        { ID: listed.header.member_id, clientURLs: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)] },
      ])
    })

    it('know of no alarm', async () => {
      expect(await subject.etcd.call('Alarm', { action: 0 })).toMatchObject({ alarms: [] })
    })

    it('refuse a login where authentication was never enabled', async () => {
      expect(await subject.etcd.refusal('Authenticate', { name: 'root', password: 'secret' })).toEqual({
        code: Code.FAILED_PRECONDITION,
        details: 'etcdserver: authentication is not enabled',
      })
    })

    it('identify the same cluster and member in every header', async () => {
      const { etcd } = subject
      const { header } = await etcd.call('Status')
      const identity = { cluster_id: header.cluster_id, member_id: header.member_id, raft_term: header.raft_term }
      const key = ownPrefix()
      for (const method of ['Range', 'Put', 'DeleteRange'] as const) {
        expect((await etcd.call(method, { key })).header).toMatchObject(identity)
      }
      expect((await etcd.call('LeaseGrant', { TTL: 60 })).header).toMatchObject(identity)
      expect((await etcd.call('Txn')).header).toMatchObject(identity)
      const stream = etcd.watch()
      expect((await stream.create({ key })).header).toMatchObject(identity)
      stream.close()
    })
  })
}
