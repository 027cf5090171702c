import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAdminAddress } from '../../../src/top/admin/address.js'

describe('parseAdminAddress', () => {
  it.each([
    ['127.0.0.1:9901', 'http://127.0.0.1:9901/', '127.0.0.1:9901'],
    ['[::1]:9901', 'http://[::1]:9901/', '[::1]:9901'],
    ['proxy.example:80', 'http://proxy.example/', 'proxy.example:80'],
    ['https://proxy.example/admin', 'https://proxy.example/admin/', 'proxy.example'],
  ])('reads %s', (text, url, name) => {
    expect(parseAdminAddress(text)).toEqual({ name, url: new URL(url), socketPath: undefined })
  })

  it.each([
    ['/run/user/0/fairlead/proxy-1-80.sock', '/run/user/0/fairlead/proxy-1-80.sock'],
    ['unix:a.sock', resolve('a.sock')],
    ['./a', resolve('a')],
    ['a.sock', resolve('a.sock')],
  ])('reads the path %s', (text, socketPath) => {
    expect(parseAdminAddress(text).socketPath).toBe(socketPath)
  })

  it.each(['web', 'web:http', ':80', '10.0.0.1:0', 'http://', 'http://user:secret@host', 'http://host/?x', ''])(
    'refuses %j',
    (text) => {
      expect(() => parseAdminAddress(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    },
  )

  it('shows the way to who names a service', () => {
    expect(() => parseAdminAddress('web')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('fairlead top --service web') }),
    )
  })
})
