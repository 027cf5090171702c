import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawEtcd } from '../support/raw-etcd.js'
import { describeKv } from './etcd-api/kv.js'
import { describeLease } from './etcd-api/lease.js'
import { describeServices } from './etcd-api/services.js'
import { revisionOf } from './etcd-api/subject.js'
import { describeTxn } from './etcd-api/txn.js'
import { describeWatch } from './etcd-api/watch.js'

export interface EtcdServer {
  readonly endpoint: string
  close(): Promise<void>
}

/** The etcd v3 API message for message, as a fresh server must answer it. */
export function describeEtcdApi(start: () => Promise<EtcdServer>): void {
  let server: EtcdServer
  const subject = {} as { etcd: RawEtcd }
  beforeAll(async () => {
    server = await start()
    subject.etcd = new RawEtcd(server.endpoint)
  })
  afterAll(async () => {
    subject.etcd.close()
    await server.close()
  })

  describe('a fresh server', () => {
    it('is at revision 1 and makes revision 2 first', async () => {
      expect(revisionOf(await subject.etcd.call('Range', { key: 'a' }))).toBe(1)
      expect(revisionOf(await subject.etcd.call('Put', { key: 'a' }))).toBe(2)
    })
  })
  describeKv(subject)
  describeTxn(subject)
  describeWatch(subject)
  describeLease(subject)
  describeServices(subject)
}
