import { describe, expect, it, onTestFinished } from 'vitest'
import type { RawKeyValue } from '../../support/raw-etcd.js'
import { Code, kvsOf, ownPrefix, prefixEnd, put, remove, revisionOf, type Subject } from './subject.js'

const NOT_FOUND = { code: Code.NOT_FOUND, details: 'etcdserver: requested lease not found' }

/** Leases. */
export function describeLease(subject: Subject): void {
  const grant = async (TTL = 60, ID: string | number = 0) =>
    (await subject.etcd.call('LeaseGrant', { TTL, ID }))['ID'] as string
  const timeToLive = (ID: string) => subject.etcd.call('LeaseTimeToLive', { ID, keys: true })

  describe('Lease', () => {
    it('is granted under an id of the server’s or the client’s choice, without a revision', async () => {
      const { etcd } = subject
      const before = await put(etcd, ownPrefix())
      const granted = await etcd.call('LeaseGrant', { TTL: 60 })
      expect(granted).toMatchObject({ TTL: '60', error: '', header: { revision: `${before}` } })
      const id = granted['ID'] as string
      expect(BigInt(id)).toBeGreaterThan(0n)
      expect(BigInt(id)).toBeLessThan(2n ** 63n)
      const chosen = `${(BigInt(id) % 1_000_000_007n) + 1n}`
      expect(await etcd.call('LeaseGrant', { TTL: 60, ID: chosen })).toMatchObject({ ID: chosen, TTL: '60' })
      expect(await etcd.refusal('LeaseGrant', { TTL: 60, ID: chosen })).toEqual({
        code: Code.FAILED_PRECONDITION,
        details: 'etcdserver: lease already exists',
      })
    })

    it('has its TTL raised to 2 s, and refused above 9,000,000,000 s', async () => {
      const { etcd } = subject
      for (const TTL of [1, 0, -5]) expect(await etcd.call('LeaseGrant', { TTL })).toMatchObject({ TTL: '2' })
      expect(await etcd.call('LeaseGrant', { TTL: 9_000_000_000 })).toMatchObject({ TTL: '9000000000' })
      expect(await etcd.refusal('LeaseGrant', { TTL: 9_000_000_001 })).toEqual({
        code: Code.OUT_OF_RANGE,
        details: 'etcdserver: too large lease TTL',
      })
    })

    it('knows its keys, until they are deleted or put without it', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const [lease, other] = [await grant(), await grant()]
      for (const name of ['c', 'a', 'b', 'd']) await put(etcd, prefix + name, '', { lease })
      expect(kvsOf(await etcd.call('Range', { key: `${prefix}a` }))).toMatchObject([{ lease }])
      const keysOf = async (id: string) => [...((await timeToLive(id))['keys'] as string[])].sort()
      expect(await keysOf(lease)).toEqual(['a', 'b', 'c', 'd'].map((name) => prefix + name))
      await put(etcd, `${prefix}a`)
      await put(etcd, `${prefix}b`, '', { lease: other })
      await remove(etcd, `${prefix}c`)
      expect(await keysOf(lease)).toEqual([`${prefix}d`])
      expect(await keysOf(other)).toEqual([`${prefix}b`])
      const unasked = await etcd.call('LeaseTimeToLive', { ID: lease })
      expect(unasked).toMatchObject({ ID: lease, grantedTTL: '60', keys: [] })
      expect(Number(unasked['TTL'])).toBeGreaterThan(30)
      expect(Number(unasked['TTL'])).toBeLessThan(60)
    })

    it('takes its keys with it in one revision, in key order', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const lease = await grant()
      for (const name of ['c', 'a', 'b']) await put(etcd, prefix + name, name, { lease })
      const before = await put(etcd, `${prefix}kept`)
      const stream = etcd.watch()
      onTestFinished(() => stream.close())
      await stream.create({ key: prefix, range_end: prefixEnd(prefix), prev_kv: true })
      expect(revisionOf(await etcd.call('LeaseRevoke', { ID: lease }))).toBe(before + 1)
      const { events } = (await stream.next()) as unknown as {
        events: { type: number; kv: RawKeyValue; prev_kv: RawKeyValue }[]
      }
      const expected = ['a', 'b', 'c'].map((name) => ({
        type: 1,
        kv: { key: prefix + name, mod_revision: `${before + 1}` },
        prev_kv: { value: name, lease },
      }))
      expect(events).toMatchObject(expected)
      expect(await etcd.call('LeaseTimeToLive', { ID: lease })).toMatchObject({ ID: lease, TTL: '-1', grantedTTL: '0' })
      expect(await etcd.refusal('Put', { key: prefix, lease })).toEqual(NOT_FOUND)
      expect(await etcd.refusal('LeaseRevoke', { ID: lease })).toEqual(NOT_FOUND)
    })

    it('ends without a revision when it holds no key', async () => {
      const { etcd } = subject
      const before = await put(etcd, ownPrefix())
      expect(revisionOf(await etcd.call('LeaseRevoke', { ID: await grant() }))).toBe(before)
    })

    it('is renewed on a stream; an unknown one is answered with TTL 0', async () => {
      const { etcd } = subject
      const lease = await grant(30)
      const stream = etcd.keepAlive()
      onTestFinished(() => stream.close())
      stream.send({ ID: lease })
      expect(await stream.next()).toMatchObject({ ID: lease, TTL: '30' })
      stream.send({ ID: '4242' })
      stream.send({ ID: lease })
      expect(await stream.next()).toMatchObject({ ID: '4242', TTL: '0' })
      expect(await stream.next()).toMatchObject({ ID: lease, TTL: '30' })
    })

    it('is listed with the others', async () => {
      const [first, second] = [await grant(), await grant()]
      const listed = (await subject.etcd.call('LeaseLeases'))['leases'] as { ID: string }[]
      expect(listed.map(({ ID }) => ID)).toEqual(expect.arrayContaining([first, second]))
      await subject.etcd.call('LeaseRevoke', { ID: first })
      const left = (await subject.etcd.call('LeaseLeases'))['leases'] as { ID: string }[]
      expect(left.map(({ ID }) => ID)).not.toContain(first)
    })

    it('runs out when nobody renews it, taking its keys in one revision', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const lease = await grant(2)
      await put(etcd, `${prefix}b`, '', { lease })
      const before = await put(etcd, `${prefix}a`, '', { lease })
      const stream = etcd.watch()
      onTestFinished(() => stream.close())
      await stream.create({ key: prefix, range_end: prefixEnd(prefix) })
      const { events } = (await stream.next()) as unknown as { events: { type: number; kv: RawKeyValue }[] }
      const mod_revision = `${before + 1}`
      expect(events).toMatchObject([
        { type: 1, kv: { key: `${prefix}a`, mod_revision } },
        { type: 1, kv: { key: `${prefix}b`, mod_revision } },
      ])
      expect(await etcd.call('LeaseTimeToLive', { ID: lease })).toMatchObject({ TTL: '-1' })
    })
  })
}
