import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/runtime.js'
import { ProcessTree } from '../../src/demo/process-tree.js'

const NODE_TYPESCRIPT = ['--import', 'tsx']
const GUARDIAN = [...NODE_TYPESCRIPT, 'src/demo/guardian.ts']
const STAYS = 'console.log(process.pid); setInterval(() => {}, 1000)'

describe('ProcessTree', () => {
  let tree: ProcessTree
  afterEach(() => tree.close())

  const open = () => (tree = new ProcessTree(GUARDIAN, process.env, systemClock))

  /** Starts a program that stays, and resolves with its process id. */
  function startStaying(): Promise<number> {
    return new Promise((resolve) => {
      tree.start({ name: 'the stayer', args: ['-e', STAYS], onDocument: (pid) => resolve(pid as number) })
    })
  }

  it('ends every program on close', async () => {
    open()
    const pids = await Promise.all([startStaying(), startStaying()])
    expect(pids.map(isAlive)).toEqual([true, true])
    await tree.close()
    expect(pids.map(isAlive)).toEqual([false, false])
  })

  it('tells when one has ended because it was asked to, and takes no failure from it', async () => {
    open()
    const onEnd = vi.fn()
    const ready = new Promise<unknown>((resolve) => {
      const program = tree.start({
        name: 'the stayer',
        args: ['-e', STAYS],
        onDocument: () => resolve(program.stop()),
        onEnd,
      })
    })
    await Promise.race([ready, tree.failed])
    expect(onEnd).toHaveBeenCalledOnce()
  })

  it('fails with the name, the status and the last words of a program that ends by itself', async () => {
    open().start({ name: 'the quitter', args: ['-e', 'console.error("no bread"); process.exit(3)'] })
    await expect(tree.failed).rejects.toMatchObject({
      code: 'INTERNAL',
      message: 'the quitter exited with status 3 in the middle of the demo: no bread',
    })
  })

  it('fails when a program writes what is not JSON', async () => {
    open().start({ name: 'the poet', args: ['-e', 'console.log("a rose"); setInterval(() => {}, 1000)'] })
    await expect(tree.failed).rejects.toMatchObject({ message: 'the poet wrote what is not JSON: a rose' })
  })
})

describe('the guardian', () => {
  it('ends what is named and not taken back when its stdin closes', async () => {
    const [kept, ended] = [await startIdle(), await startIdle()]
    try {
      const guardian = spawn(process.execPath, GUARDIAN, { stdio: ['pipe', 'ignore', 'inherit'] })
      guardian.stdin!.end(`+${kept.pid}\n+${ended.pid}\n-${kept.pid}\n`)
      const [, signal] = (await once(ended, 'exit')) as [number | null, NodeJS.Signals]
      expect(signal).toBe('SIGTERM')
      await once(guardian, 'exit')
      expect(kept.exitCode ?? kept.signalCode).toBeNull()
    } finally {
      for (const child of [kept, ended]) child.kill('SIGKILL')
    }
  })
})

async function startIdle(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', STAYS], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  await once(createInterface({ input: child.stdout }), 'line')
  return child
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
