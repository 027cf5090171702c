import { expect, it } from 'vitest'
import { readProxySection } from '../../../src/cli/proxy/section.js'

it('reads flags and listeners', () => {
  const section = {
    'listen': ['8080=web', 'tcp://:5432=db'],
    'policy': 'least_request',
    'sticky': true,
    'retries': 0,
    'idle-timeout': 0,
    'no-outlier': true,
    'upstream-tls': false,
    'trust': '10.0.0.0/8, 192.168.0.0/16',
    'allow': ['127.0.0.0/8'],
    'proxy-protocol': 'accept',
  }
  expect(readProxySection(section)).toEqual({
    listen: ['8080=web', 'tcp://:5432=db'],
    values: {
      'policy': 'least_request',
      'sticky': 'fairlead',
      'retries': 0,
      'idle-timeout': '0',
      'no-outlier': true,
      'trust': ['10.0.0.0/8', '192.168.0.0/16'],
      'allow': ['127.0.0.0/8'],
      'proxy-protocol': 'accept',
    },
  })
})

it('takes listeners as a mapping, and one alone', () => {
  expect(readProxySection({ listen: { 8080: 'web', 'tcp://:1': '10.0.0.5:80' } }).listen).toEqual([
    '8080=web',
    'tcp://:1=10.0.0.5:80',
  ])
  expect(readProxySection({ listen: '8080=web' }).listen).toEqual(['8080=web'])
})

it('is empty where there is none', () => {
  for (const nothing of [undefined, null, {}]) expect(readProxySection(nothing)).toEqual({ listen: [], values: {} })
})

it.each([
  [[], /proxy is not a mapping/],
  [{ polcy: 'random' }, /unknown key "polcy" in proxy/],
  [{ endpoints: 'x:1' }, /unknown key "endpoints"/],
  [{ listen: 8080 }, /listen is not a list/],
  [{ listen: { 8080: 1 } }, /target of 8080/],
  [{ policy: 1 }, /policy has a value of the wrong type/],
  [{ retries: '2' }, /retries is not a number/],
  [{ 'no-outlier': 'yes' }, /no-outlier has a value of the wrong type/],
  [{ trust: [1] }, /trust is not a list of strings/],
  [{ 'proxy-protocol': 'sometimes' }, /proxy-protocol is "sometimes"/],
  [{ 'connect-timeout': ['1s'] }, /connect-timeout has a value of the wrong type/],
])('refuses %j', (section, message) => {
  expect(() => readProxySection(section)).toThrow(message)
})
