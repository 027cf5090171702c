import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run, start } from '../support/cli.js'
import { RawEtcd } from '../support/raw-etcd.js'

describe('fairlead registry', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'serves etcd’s API on the port it names and ends with 0 on %s',
    async (signal) => {
      const cli = start(['registry', '--listen', '127.0.0.1:0', '-o', 'ndjson'])
      const event = JSON.parse(await cli.waitForLine(/"listening"/)) as {
        event: string
        listen: string
        endpoint: string
      }
      expect(event).toMatchObject({ event: 'listening', listen: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) })
      await cli.waitForLine(new RegExp(`^listening ${event.listen}: use it with FAIRLEAD_ENDPOINTS=${event.endpoint}$`))
      const etcd = new RawEtcd(event.endpoint)
      onTestFinished(() => etcd.close())
      await etcd.call('Put', { key: 'a', value: '1' })
      const watch = etcd.watch()
      await watch.create({ key: 'a' })
      cli.signal(signal)
      expect(await cli.ended).toMatchObject({ code: 0, signal: null })
      await expect(watch.next()).rejects.toThrow()
    },
  )

  it('writes nothing but the one line when nobody asked for events', async () => {
    const cli = start(['registry', '--listen', ':0'])
    await cli.waitForLine(/listening/)
    cli.signal('SIGTERM')
    const { code, stdout, stderr } = await cli.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^listening 127\.0\.0\.1:\d+: use it with FAIRLEAD_ENDPOINTS=127\.0\.0\.1:\d+\n$/)
  })

  it('warns when other machines can reach it', async () => {
    const cli = start(['registry', '--listen', '0.0.0.0:0'])
    await cli.waitForLine(/FAIRLEAD_ENDPOINTS=127\.0\.0\.1:\d+$/)
    expect(cli.stderr).toMatch(/^warning: 0\.0\.0\.0:\d+ is open to other machines, .*anyone read and write$/m)
    cli.signal('SIGTERM')
    expect((await cli.ended).code).toBe(0)
  })

  it('says what is wrong with a port that is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    const result = await run(['registry', '--listen', `127.0.0.1:${port}`, '-o', 'json'])
    expect(result.code).toBe(1)
    expect(result.stderr).toContain(`127.0.0.1:${port} is already in use`)
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'ADDRESS_IN_USE', exit: 1 } })
  })

  it.each(['127.0.0.1', 'localhost:99999', '[::zz]:1', '203.0.113.1:0'])('refuses to listen on %s', async (listen) => {
    const { code, stderr } = await run(['registry', '--listen', listen])
    expect(code).toBe(2)
    expect(stderr).toContain(listen)
  })
})
