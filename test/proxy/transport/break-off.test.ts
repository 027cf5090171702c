import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { breakOff } from '../../../src/core/proxy/transport/break-off.js'
import { cleanup, cleanUp, ending } from '../support.js'

afterEach(cleanUp)

async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [near] = (await once(server, 'connection')) as [Socket]
  for (const socket of [near, far]) socket.on('error', () => {})
  cleanup(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return { near, far }
}

describe('breakOff', () => {
  it('lets the peer see a reset', async () => {
    const { near, far } = await pair()
    const closed = once(near, 'close')
    breakOff(near)
    expect(await ending(far)).toBe('ECONNRESET')
    await closed
  })

  it('does so however much the peer has not taken yet, and although the end is written already', async () => {
    const { near, far } = await pair()
    far.pause()
    near.write(Buffer.alloc(64 << 20))
    near.end()
    const closed = once(near, 'close')
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => far.once('error', resolve))
    breakOff(near)
    await closed
    expect((await failed).code).toBe('ECONNRESET')
  })

  it('closes a socket whose end is on its way out', async () => {
    const { near, far } = await pair()
    near.end()
    const closed = once(near, 'close')
    breakOff(near)
    await closed
    expect(await ending(far)).toBe('end')
  })

  it('does nothing to a socket that is gone', async () => {
    const { near } = await pair()
    near.destroy()
    await once(near, 'close')
    expect(() => breakOff(near)).not.toThrow()
  })
})
