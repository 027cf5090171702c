import { describe, expect, it } from 'vitest'
import { parseListen } from '../../src/core/proxy/listen.js'
import type { ProxyOptions } from '../../src/core/proxy/options.js'
import { settingsOf } from '../../src/core/proxy/settings.js'

function settings(options: Partial<ProxyOptions>) {
  return settingsOf({ listeners: [parseListen('http://127.0.0.1:0=127.0.0.1:1')], ...options })
}

describe('the options of a proxy', () => {
  it.each<[Partial<ProxyOptions>, RegExp]>([
    [{ limits: { maxHeadBytes: 32 * 1024 * 1024 } }, /limits\.maxHeadBytes must be a whole number/],
    [{ limits: { maxHeadFields: 0 } }, /limits\.maxHeadFields must be a whole number of at least 1, not 0/],
    [{ limits: { maxConcurrentStreams: Infinity } }, /limits\.maxConcurrentStreams/],
    [{ limits: { headTimeoutMs: 2 ** 31 } }, /limits\.headTimeoutMs/],
    [{ limits: { resetBurst: NaN } }, /limits\.resetBurst/],
    [{ limits: { maxStreams: 1 } as object }, /there is no limit "maxStreams"/],
    [{ upstreamLimits: { maxRequests: 0 } }, /the limit of requests to an endpoint/],
    [{ retries: 101 }, /retries must be a whole number/],
    [{ requestTimeoutMs: 0 }, /the request timeout must be longer than 0/],
    [{ hashOn: { kind: 'header', name: 'x'.repeat(300) } }, /not the name of a header/],
    [{ hashOn: { kind: 'header', name: 'a b' } }, /not the name of a header/],
    [{ hashOn: { kind: 'cookie', name: 'a=b' } }, /not the name of a cookie/],
    [{ stickyCookie: '' }, /not the name of a cookie/],
  ])('are refused where they are %j', (options, message) => {
    expect(() => settings(options)).toThrow(message)
  })

  it('override single limits and leave the others', () => {
    const { limits } = settings({ limits: { maxContinuations: 0 }, idleTimeoutMs: 1500 }).http
    expect(limits).toMatchObject({ maxContinuations: 0, idleTimeoutMs: 1500, maxHeadFields: 100 })
  })

  it('name headers to hash on in any case', () => {
    expect(settings({ hashOn: { kind: 'header', name: 'X-User' } }).http.hashOn).toEqual({
      kind: 'header',
      name: 'x-user',
    })
  })
})
