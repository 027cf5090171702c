import { fileURLToPath } from 'node:url'
import { pinned } from '../support/cores.js'
import { residentBytes, startProcess } from '../support/processes.js'
import { type BenchContext, type Row, row, skipped } from '../support/shape.js'
import { h2load } from './drivers.js'
import { LOADS } from './loads.js'
import { mostConnections } from './proxies.js'
import type { Contender, Session } from './session.js'

const CLIENT = fileURLToPath(new URL('idle-client.mjs', import.meta.url))
const CONNECTIONS = 10_000
const WARM_UP = 2000

/** Memory that idle HTTP/2 connections add to a process that has served only a few requests so far. */
export async function idleMemory(
  session: Session,
  contenders: readonly Contender[],
  { progress }: BenchContext,
): Promise<Row[]> {
  const count = Math.min(CONNECTIONS, mostConnections())
  const rows: Row[] = []
  for (const contender of contenders) {
    progress(`idle connections, ${contender.name}`)
    const title = `idle connection: ${contender.name}`
    const started = await session.proxy(contender, LOADS[0]!, { fresh: true })
    if (!started) {
      rows.push(skipped(title, session.missing.get(contender.name)!, { unit: 'KB' }))
      continue
    }
    await h2load(session.drive(started.port, { connections: 8, streams: 32 }, WARM_UP))
    const before = residentBytes(started.pid)
    const args = [CLIENT, String(started.port), String(count)]
    const client = await startProcess(...pinned(session.cores.load, process.execPath, args), { read: Number })
    const bytes = residentBytes(started.pid)
    await client.stop()
    const details = { 'connections': count, 'MB RSS': bytes / 1e6 }
    rows.push(row(title, [(bytes - before) / count / 1000], { unit: 'KB', details, note: 'RSS it adds, one round' }))
  }
  return rows
}
