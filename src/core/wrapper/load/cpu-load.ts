import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../runtime.js'
import { usableCores } from './cores.js'
import type { LoadSource } from './load-source.js'

/** Linux tells processor time in these, whatever the kernel ticks by. */
const TICKS_PER_SECOND = 100

/** How busy the processors of this machine are. @param root where `proc` lies */
export function machineLoad(root = '/'): LoadSource {
  let before: MachineTimes | undefined
  return {
    async sample() {
      const times = machineTimes(await readFile(join(root, 'proc/stat'), 'utf8'))
      const [last, passed] = [before, before && times.total - before.total]
      before = times
      return last && passed! > 0 ? bounded(1 - (times.idle - last.idle) / passed!) : undefined
    },
  }
}

interface MachineTimes {
  readonly idle: number
  readonly total: number
}

/** The first line is `cpu USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL …`; guests' time is within USER and NICE. */
function machineTimes(stat: string): MachineTimes {
  const times = stat.slice(0, stat.indexOf('\n')).split(/\s+/).slice(1, 9).map(Number)
  return { idle: times[3]! + times[4]!, total: times.reduce((sum, time) => sum + time, 0) }
}

/**
 * How much of the cores that it may use a process group does use. Counts what its members have used and what children have
 * used that they have waited for. @param leader whose process group it is
 */
export function groupLoad(leader: number, clock: Clock, root = '/'): LoadSource {
  let before: { readonly ticks: number; readonly at: number } | undefined
  return {
    async sample() {
      const ticks = await groupTicks(leader, join(root, 'proc'))
      const at = clock.now()
      const last = before
      before = { ticks, at }
      if (last === undefined || at <= last.at) return undefined
      const seconds = (at - last.at) / 1000
      return bounded((ticks - last.ticks) / TICKS_PER_SECOND / seconds / (await usableCores(leader, root)))
    },
  }
}

async function groupTicks(leader: number, proc: string): Promise<number> {
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name))
  const each = await Promise.all(pids.map((pid) => readFile(join(proc, pid, 'stat'), 'utf8').catch(() => '')))
  return each.reduce((sum, stat) => sum + ticksOf(stat, leader), 0)
}

/** `PID (NAME) STATE PPID PGRP …`, of which UTIME, STIME, CUTIME and CSTIME are the fields 14 to 17; a name may hold anything. */
function ticksOf(stat: string, group: number): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (Number(fields[2]) !== group) return 0
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
}

/** A group that has lost a member may seem to have used less than nothing. */
function bounded(load: number): number {
  return Math.min(1, Math.max(0, load))
}
