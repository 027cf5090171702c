import { describe, expect, it } from 'vitest'
import { parseCallConfigs } from '../../src/core/balancer/call-config.js'

const POLICY = {
  maxAttempts: 4,
  initialBackoff: '0.1s',
  maxBackoff: '1s',
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE', 'aborted', 8],
}
const retry = (changes: object) => ({ methodConfig: [{ name: [{}], retryPolicy: { ...POLICY, ...changes } }] })

describe('the part of a service config for calls', () => {
  it('is found by method, then by service, then by default', () => {
    const calls = parseCallConfigs({
      methodConfig: [
        { name: [{}], timeout: '3s' },
        { name: [{ service: 'a.B' }], timeout: '2s', waitForReady: true },
        { name: [{ service: 'a.B', method: 'C' }, { service: 'a.X' }], timeout: '0.0015s' },
      ],
    })
    expect(['/a.B/C', '/a.B/D', '/a.X/Y', '/z/Z'].map((path) => calls.find(path)?.timeoutMs)).toEqual([
      1.5, 2000, 1.5, 3000,
    ])
    expect(calls.find('/a.B/D')?.waitForReady).toBe(true)
    expect(parseCallConfigs({ methodConfig: [{ name: [{ service: 'a.B' }] }] }).find('/z/Z')).toBeUndefined()
  })

  it('reads retry policies, with no more than five attempts', () => {
    const policy = parseCallConfigs(retry({ maxAttempts: 9 })).find('/a/b')!.retryPolicy!
    expect(policy).toEqual({
      maxAttempts: 5,
      initialBackoffMs: 100,
      maxBackoffMs: 1000,
      backoffMultiplier: 2,
      retryable: new Set([14, 10, 8]),
    })
  })

  it('reads throttling to three decimal places', () => {
    expect(parseCallConfigs({ retryThrottling: { maxTokens: 10, tokenRatio: 0.12345 } }).throttling).toEqual({
      maxTokens: 10,
      tokenRatio: 0.123,
    })
  })

  it.each([
    [{ methodConfig: {} }, 'methodConfig is not a list'],
    [{ methodConfig: [1] }, 'not an object'],
    [{ methodConfig: [{ name: [{ method: 'x' }] }] }, 'method without a service'],
    [{ methodConfig: [{ name: [{}] }, { name: [{ service: '' }] }] }, 'the default twice'],
    [{ methodConfig: [{ name: [{}], timeout: 3 }] }, 'timeout is not a duration'],
    [{ methodConfig: [{ name: [{}], timeout: '-1s' }] }, 'timeout is not a duration'],
    [{ methodConfig: [{ name: [{}], waitForReady: 'yes' }] }, 'waitForReady'],
    [retry({ maxAttempts: 1 }), 'maxAttempts'],
    [retry({ initialBackoff: '0s' }), 'backoff of 0'],
    [retry({ backoffMultiplier: 0 }), 'backoffMultiplier'],
    [retry({ retryableStatusCodes: [] }), 'retryableStatusCodes is empty'],
    [{ methodConfig: [{ name: [{ service: 'a', method: '\ud800' }] }] }, 'no text'],
    [retry({ retryableStatusCodes: ['BROKEN'] }), '"BROKEN" is no status code'],
    [{ retryThrottling: { maxTokens: 1001, tokenRatio: 1 } }, 'maxTokens'],
    [{ retryThrottling: { maxTokens: 10, tokenRatio: 0 } }, 'tokenRatio'],
  ])('refuses %j', (config, message) => {
    const error = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) })
    expect(() => parseCallConfigs(config)).toThrow(error)
  })

  it('takes no member of Object.prototype for a field', () => {
    expect(parseCallConfigs(Object.create({ methodConfig: 1 }) as Record<string, unknown>).isEmpty).toBe(true)
  })
})
