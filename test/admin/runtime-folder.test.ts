import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { findSockets, prepareSocketPath, runtimeFolders, socketName } from '../../src/core/admin/runtime-folder.js'
import { cleanUp, cleanup } from '../proxy/support.js'
import { ask, asJson, testAdmin, TestSource } from './support.js'

afterEach(cleanUp)

/** No process has it: it is above the highest that Linux gives. */
const NO_PID = 4_194_305

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fl-'))
  cleanup(() => rm(folder, { recursive: true }))
  return folder
}

/** A socket that is served, or was: one that nobody removed. */
async function leaveSocket(path: string, served: boolean): Promise<void> {
  const server = createServer().listen(path)
  await once(server, 'listening')
  if (served) return cleanup(() => server.close())
  // Closing removes the file; a link to it stays, as after a crash.
  const { link } = await import('node:fs/promises')
  await link(path, `${path}~`)
  await new Promise((resolve) => server.close(resolve))
  const { rename } = await import('node:fs/promises')
  await rename(`${path}~`, path)
}

describe('where sockets are', () => {
  it('is the runtime folder of the user, else one of the user in the folder for temporary files', () => {
    const own = join(tmpdir(), `fairlead-${process.getuid!()}`)
    expect(runtimeFolders({ XDG_RUNTIME_DIR: '/run/user/7' })).toEqual(['/run/user/7/fairlead', own])
    expect(runtimeFolders({ XDG_RUNTIME_DIR: 'run' })).toEqual([own])
    expect(runtimeFolders({})).toEqual([own])
  })

  it('is made for this user alone', async () => {
    const folder = join(await temporary(), 'fairlead')
    const path = await prepareSocketPath([folder], socketName('proxy', 7, 8080))
    expect(path).toBe(join(folder, 'proxy-7-8080.sock'))
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it.each([
    ['others may enter', async (folder: string) => void (await mkdir(folder), await chmod(folder, 0o750))],
    ['is a link', async (folder: string) => symlink(await temporary(), folder)],
    ['is a file', async (folder: string) => writeFile(folder, '')],
    ['cannot be made', async (folder: string) => rm(join(folder, '..'), { recursive: true })],
  ])('is not a folder that %s', async (_, spoil) => {
    const outer = await mkdtemp(join(tmpdir(), 'fl-'))
    cleanup(() => rm(outer, { recursive: true, force: true }))
    const folder = join(outer, 'fairlead')
    await spoil(folder)
    const good = join(await temporary(), 'fairlead')
    expect(await prepareSocketPath([folder, good], 'proxy-1-1.sock')).toBe(join(good, 'proxy-1-1.sock'))
    await expect(prepareSocketPath([folder], 'proxy-1-1.sock')).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringMatching(/--no-admin/),
    })
    expect(await findSockets([folder], 'proxy')).toEqual([])
  })

  it('is not where the path of a socket would be too long', async () => {
    const folder = join(await temporary(), 'x'.repeat(100))
    await expect(prepareSocketPath([folder], 'proxy-1-1.sock')).rejects.toThrow(/too long/)
  })
})

describe('sockets that are left over', () => {
  it('are removed where nobody listens and the process has ended, and nothing else is', async () => {
    const folder = join(await temporary(), 'fairlead')
    await mkdir(folder, { mode: 0o700 })
    const [stale, foreign, young] = [NO_PID, NO_PID + 1, process.pid].map((pid) => socketName('proxy', pid, 80))
    await leaveSocket(join(folder, stale!), false)
    await leaveSocket(join(folder, foreign!), true)
    await leaveSocket(join(folder, young!), false)
    await writeFile(join(folder, 'notes.txt'), '')
    await prepareSocketPath([folder], 'proxy-1-1.sock')
    expect((await readdir(folder)).sort()).toEqual([foreign, young, 'notes.txt'].sort())
    expect(await findSockets([folder], 'proxy')).toEqual([{ path: join(folder, foreign!), pid: NO_PID + 1 }])
  })

  it('do not keep a process of the same name from listening', async () => {
    const folder = join(await temporary(), 'fairlead')
    await mkdir(folder, { mode: 0o700 })
    const name = socketName('proxy', process.pid, 80)
    await leaveSocket(join(folder, name), false)
    const admin = testAdmin(new TestSource())
    const path = await admin.listenLocally([folder], name)
    expect((await ask(path, '/healthz')).status).toBe(200)
  })
})

describe('the socket of a process', () => {
  it('is for its user alone, whose requests may do everything without a token, and goes with the process', async () => {
    const folder = join(await temporary(), 'fairlead')
    const source = new TestSource()
    const admin = testAdmin(source)
    const path = await admin.listenLocally([folder], socketName('proxy', process.pid, 80))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await findSockets([folder], 'proxy')).toEqual([{ path, pid: process.pid }])
    expect(await findSockets([folder], 'serve')).toEqual([])
    expect((await ask(path, '/state')).json['process']).toMatchObject({ actions: 'open' })
    const change = { service: 'web', address: '10.0.0.1:80', weight: 0 }
    expect((await ask(path, '/set', asJson(change))).status).toBe(200)
    expect(source.changes).toEqual([change])
    await admin.close()
    expect(await readdir(folder)).toEqual([])
  })
})
