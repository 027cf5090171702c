import { describe, expect, it } from 'vitest'
import {
  fromError,
  isMessageTooLarge,
  isTransient,
  isUnsent,
  noEndpoint,
  reasonOf,
  statusOfReason,
} from '../../../src/core/registry/etcd/errors.js'

const rpcError = (code: number, details: string) => Object.assign(new Error(`${code} X: ${details}`), { code, details })

describe('etcd errors', () => {
  it.each([
    [3, 'etcdserver: authentication failed, invalid user ID or password', 'UNAUTHENTICATED'],
    [16, 'etcdserver: invalid auth token', 'UNAUTHENTICATED'],
    [3, 'etcdserver: revision of auth store is old', 'UNAUTHENTICATED'],
    [3, 'etcdserver: user name is empty', 'UNAUTHENTICATED'],
    [7, 'etcdserver: permission denied', 'PERMISSION_DENIED'],
    [11, 'etcdserver: mvcc: required revision has been compacted', 'COMPACTED'],
    [11, 'etcdserver: mvcc: required revision is a future revision', 'REFUSED'],
    [5, 'etcdserver: requested lease not found', 'NOT_FOUND'],
    [9, 'etcdserver: lease already exists', 'CONFLICT'],
    [8, 'etcdserver: mvcc: database space exceeded', 'REFUSED'],
    [8, 'etcdserver: too many requests', 'UNAVAILABLE'],
    [14, 'etcdserver: no leader', 'UNAVAILABLE'],
    [2, 'raft proposal dropped', 'UNAVAILABLE'],
    [14, 'Connection dropped', 'UNAVAILABLE'],
    [13, 'Received RST_STREAM with code 2', 'UNAVAILABLE'],
    [3, 'etcdserver: request is too large', 'REFUSED'],
    [12, 'unknown service etcdserverpb.KV', 'REFUSED'],
  ])('take %i %s for %s', (code, details, expected) => {
    expect(fromError(rpcError(code, details))).toMatchObject({ code: expected })
  })

  it('give the reason a watch was cancelled for', () => {
    expect(statusOfReason('rpc error: code = PermissionDenied desc = etcdserver: permission denied')).toEqual({
      code: 7,
      details: 'etcdserver: permission denied',
    })
    expect(statusOfReason('etcdserver: invalid auth token').details).toBe('etcdserver: invalid auth token')
    expect(statusOfReason('').details).toBe('no reason given')
  })

  it('tell what surely had no effect', () => {
    const unsent = (code: number, details: string) => isUnsent({ code, details })
    expect(unsent(14, 'No connection established. Last error: connect ECONNREFUSED')).toBe(true)
    expect(unsent(14, 'etcdserver: no leader')).toBe(true)
    expect(unsent(2, 'raft proposal dropped')).toBe(true)
    expect(unsent(2, 'raft: stopped')).toBe(false)
    expect(unsent(14, 'Connection dropped')).toBe(false)
    expect(unsent(14, 'etcdserver: request timed out')).toBe(false)
    expect(unsent(4, 'Deadline exceeded')).toBe(false)
  })

  it('tell what another endpoint may do better', () => {
    expect(isTransient(rpcError(14, 'etcdserver: leader changed'))).toBe(true)
    expect(isTransient(rpcError(2, 'raft proposal dropped'))).toBe(true)
    expect(isTransient(rpcError(7, 'etcdserver: permission denied'))).toBe(false)
    expect(isTransient(new TypeError('a defect'))).toBe(false)
  })

  it('show a message that is too large behind what callers see', () => {
    const tooLarge = rpcError(8, 'Received message larger than max (5000000 vs 4194304)')
    expect(isMessageTooLarge(fromError(tooLarge))).toBe(true)
    expect(isMessageTooLarge(fromError(rpcError(8, 'etcdserver: mvcc: database space exceeded')))).toBe(false)
  })

  it('name every endpoint with its reason, cleaned of what gRPC adds', () => {
    const details =
      'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1 (2026-01-01T00:00:00.000Z). Resolution note: '
    const reason = reasonOf(rpcError(14, details))
    expect(reason).toBe('connect ECONNREFUSED 127.0.0.1:1')
    const failures = new Map([
      ['a:1', reason],
      ['b:2', 'no answer within 1 s'],
    ])
    expect(noEndpoint(failures)).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the registry cannot be reached: a:1 (connect ECONNREFUSED 127.0.0.1:1), b:2 (no answer within 1 s)',
      hint: expect.stringContaining('FAIRLEAD_ENDPOINTS'),
    })
  })
})
