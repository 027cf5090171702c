import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/** Where version 1 of control groups keeps its CPU controller. */
const CPU_MOUNTS = ['cpu,cpuacct', 'cpu']

/**
 * How many processor cores a process may use, in fractions: by its affinity and by the quotas of its control group and those above
 * (`cpu.max`, or `cpu.cfs_quota_us` in version 1), as far as they can be read.
 *
 * @param root where `proc` and `sys` lie
 */
export async function usableCores(pid: number | 'self', root = '/'): Promise<number> {
  const affinity = await affinityOf(join(root, `proc/${pid}/status`))
  const quotas = await quotasOf(await textOf(join(root, `proc/${pid}/cgroup`)), join(root, 'sys/fs/cgroup'))
  return Math.min(affinity ?? availableParallelism(), ...quotas)
}

async function affinityOf(status: string): Promise<number | undefined> {
  const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(await textOf(status))?.[1]
  return list?.split(',').reduce((cores, range) => {
    const [first, last = first] = range.split('-').map(Number)
    return cores + last! - first! + 1
  }, 0)
}

/** Lines of `/proc/PID/cgroup` are `ID:CONTROLLERS:PATH`, without controllers in version 2. */
async function quotasOf(cgroup: string, mount: string): Promise<number[]> {
  const found: number[] = []
  for (const line of cgroup.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined) continue
    if (controllers === '') found.push(...(await upwards(mount, path, quotaOfV2)))
    if (!controllers!.split(',').includes('cpu')) continue
    for (const name of CPU_MOUNTS) found.push(...(await upwards(join(mount, name), path, quotaOfV1)))
  }
  return found
}

/** From a group to the root: in a container the path may be one that only the host knows, and the root is the container. */
async function upwards(mount: string, path: string, read: (folder: string) => Promise<number>): Promise<number[]> {
  const found: number[] = []
  for (let at = path; ; at = dirname(at)) {
    const quota = await read(join(mount, at))
    if (quota > 0) found.push(quota)
    if (at === '/') return found
  }
}

/** `MAX PERIOD` in microseconds, MAX may be `max`. 0 where there is no quota. */
async function quotaOfV2(folder: string): Promise<number> {
  const [quota, period] = (await textOf(join(folder, 'cpu.max'))).split(' ').map(Number)
  return share(quota, period)
}

async function quotaOfV1(folder: string): Promise<number> {
  const quota = Number(await textOf(join(folder, 'cpu.cfs_quota_us')))
  return share(quota, Number(await textOf(join(folder, 'cpu.cfs_period_us'))))
}

function share(quota: number | undefined, period: number | undefined): number {
  return quota! > 0 && period! > 0 ? quota! / period! : 0
}

/** Empty where there is no such file, or we may not read it. */
async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}
