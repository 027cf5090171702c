import { lstat, mkdir, readdir, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { FairleadError } from '../errors.js'

/** Paths of sockets are short: macOS has room for 103 bytes, Linux for 107. */
const LONGEST_PATH = 103
const SOCKET = /^[a-z]+-(\d+)-\d+\.sock$/

/** A process of this user that can be looked into. */
export interface LocalSocket {
  readonly path: string
  readonly pid: number
}

/**
 * Where sockets of this user are, the preferred folder first: `$XDG_RUNTIME_DIR/fairlead` ("All paths must be absolute.
 * If an implementation encounters a relative path it should consider the path invalid and ignore it."), then a folder
 * of the user's in the system's for temporary files. None where the system knows no users by number.
 */
export function runtimeFolders(env: Readonly<Record<string, string | undefined>>): string[] {
  const uid = process.getuid?.()
  if (uid === undefined) return []
  const runtime = env.XDG_RUNTIME_DIR ?? ''
  const folders = isAbsolute(runtime) ? [join(runtime, 'fairlead')] : []
  return [...folders, join(tmpdir(), `fairlead-${uid}`)]
}

/** Name of the socket of a process: what it is, its pid, and the port of its first listener. */
export function socketName(kind: string, pid: number, port: number): string {
  return `${kind}-${pid}-${port}.sock`
}

/**
 * The path for a new socket in the first folder that can be had for this user alone, made if it is not there; sockets
 * in it that nobody listens on any more are removed. Rejects with PERMISSION_DENIED where no folder can be had.
 */
export async function prepareSocketPath(folders: readonly string[], name: string): Promise<string> {
  const problems: string[] = []
  for (const folder of folders) {
    const path = join(folder, name)
    const problem =
      Buffer.byteLength(path) > LONGEST_PATH ? `${path} is too long for a socket` : await makeFolder(folder)
    if (problem !== undefined) {
      problems.push(problem)
      continue
    }
    await removeStale(folder)
    await unlink(path).catch(() => undefined)
    return path
  }
  throw new FairleadError('PERMISSION_DENIED', `no folder for a socket: ${problems.join('; ')}`, {
    hint: 'set XDG_RUNTIME_DIR to a folder of your own, or use --no-admin',
  })
}

/** The processes of this user that are a `kind` and listen, by their pids. */
export async function findSockets(folders: readonly string[], kind: string): Promise<LocalSocket[]> {
  const found = (await Promise.all(folders.map(listSockets))).flat()
  const ofKind = found.filter(({ path }) => basename(path).startsWith(`${kind}-`))
  const alive = await Promise.all(ofKind.map(async (socket) => ((await isServed(socket.path)) ? [socket] : [])))
  return alive.flat().sort((a, b) => a.pid - b.pid)
}

/** Makes the folder, or says why it is no good. */
async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') return message
  }
  return distrust(folder)
}

/** Why what is in the folder may be somebody else's; undefined if it is this user's alone. */
async function distrust(folder: string): Promise<string | undefined> {
  try {
    const stats = await lstat(folder)
    if (!stats.isDirectory()) return `${folder} is not a folder`
    if (stats.uid !== process.getuid?.()) return `${folder} belongs to another user`
    return (stats.mode & 0o077) === 0 ? undefined : `${folder} is open to other users`
  } catch (error) {
    return (error as Error).message
  }
}

async function listSockets(folder: string): Promise<LocalSocket[]> {
  if ((await distrust(folder)) !== undefined) return []
  const names = await readdir(folder).catch(() => [])
  return names.flatMap((name) => {
    const [, pid] = SOCKET.exec(name) ?? []
    return pid === undefined ? [] : [{ path: join(folder, name), pid: Number(pid) }]
  })
}

/** One that is served is left alone, and so is one whose process is there: it may be about to listen. */
async function removeStale(folder: string): Promise<void> {
  const sockets = await listSockets(folder)
  await Promise.all(
    sockets.map(async ({ path, pid }) => {
      if (!isAlive(pid) && !(await isServed(path))) await unlink(path).catch(() => undefined)
    }),
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (served: boolean) => {
      socket.destroy()
      resolve(served)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
