import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/core/runtime.js'
import { usableCores } from '../../../src/core/wrapper/load/cores.js'
import { groupLoad, machineLoad } from '../../../src/core/wrapper/load/cpu-load.js'
import { eventually } from '../../support/eventually.js'
import { ManualClock } from '../../support/manual-clock.js'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairlead-proc-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function files(contents: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(contents)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
}

const { signal } = new AbortController()

describe('the cores that a process may use', () => {
  const status = { 'proc/7/status': 'Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,6\nMems_allowed:\t1\n' }

  it('are those of its affinity', async () => {
    await files(status)
    expect(await usableCores(7, root)).toBe(5)
  })

  it('are bounded by the quota of its control group and of those above', async () => {
    await files({
      ...status,
      'proc/7/cgroup': '0::/pods/one/inner\n',
      'sys/fs/cgroup/pods/one/inner/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/pods/one/cpu.max': '150000 100000\n',
      'sys/fs/cgroup/pods/cpu.max': '400000 100000\n',
    })
    expect(await usableCores(7, root)).toBe(1.5)
  })

  it('are bounded by the quota of a container whose groups cannot be seen from inside', async () => {
    await files({ ...status, 'proc/7/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' })
    expect(await usableCores(7, root)).toBe(0.5)
  })

  it('are bounded by a quota of version 1', async () => {
    await files({
      ...status,
      'proc/7/cgroup': '5:memory:/docker/abc\n4:cpuacct,cpu:/docker/abc\n1:name=systemd:/docker/abc\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000\n',
    })
    expect(await usableCores(7, root)).toBe(2)
  })

  it('are the machine’s where nothing can be read', async () => {
    expect(await usableCores(7, root)).toBe(availableParallelism())
  })
})

describe('the load of the machine', () => {
  it('is the part of the time that its processors were not idle', async () => {
    const load = machineLoad(root)
    await files({ 'proc/stat': 'cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1\n' })
    expect(await load.sample(signal)).toBeUndefined()
    expect(await load.sample(signal)).toBeUndefined()
    await files({ 'proc/stat': 'cpu  150 10 110 760 110 5 5 10 90 0\ncpu0 1 1 1 1\n' })
    // 160 passed, 70 of them idle or waiting for a disk.
    expect(await load.sample(signal)).toBeCloseTo(90 / 160, 10)
  })

  it('cannot be told where there is no such file', async () => {
    await expect(machineLoad(root).sample(signal)).rejects.toThrow(/ENOENT.*proc\/stat/)
  })
})

describe('the load of a process group', () => {
  const stat = (pid: number, group: number, ...[user, system, children, waited]: number[]) =>
    `${pid} (a) b (c)) S 1 ${group} ${group} 0 -1 4194560 1 2 3 4 ${user} ${system} ${children} ${waited} 20 0 1 0 99\n`

  it('is what its members have used, over the cores that they may use', async () => {
    const clock = new ManualClock()
    const load = groupLoad(7, clock, root)
    await files({
      'proc/7/status': 'Cpus_allowed_list:\t0-3\n',
      'proc/7/stat': stat(7, 7, 100, 50, 0, 0),
      'proc/8/stat': stat(8, 7, 10, 0, 0, 0),
      'proc/9/stat': stat(9, 9, 5000, 0, 0, 0),
      'proc/self/stat': stat(8, 7, 10, 0, 0, 0),
    })
    expect(await load.sample(signal)).toBeUndefined()
    await clock.advance(5000)
    // Member 8 has ended and was waited for: 7 has what it used. 1000 ticks, 10 s, in 5 s of 4 cores.
    await rm(join(root, 'proc/8'), { recursive: true })
    await files({ 'proc/7/stat': stat(7, 7, 900, 150, 100, 10), 'proc/9/stat': stat(9, 9, 9000, 0, 0, 0) })
    expect(await load.sample(signal)).toBeCloseTo(0.5, 10)
    await clock.advance(5000)
    await files({ 'proc/7/stat': stat(7, 7, 1, 0, 0, 0) })
    expect(await load.sample(signal)).toBe(0)
    await clock.advance(1000)
    await files({ 'proc/7/stat': stat(7, 7, 9000, 0, 0, 0) })
    expect(await load.sample(signal)).toBe(1)
  })

  it('sees a child of a real process at work', async () => {
    // Two shells: what works is not the leader.
    const child = spawn('sh', ['-c', 'sh -c "while :; do :; done"; true'], { detached: true, stdio: 'ignore' })
    onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'))
    const load = groupLoad(child.pid!, systemClock)
    await load.sample(signal)
    await eventually(async () => ((await load.sample(signal)) ?? 0) > 0.1 / availableParallelism())
  })
})
