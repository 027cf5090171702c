import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDataPlaneResolver } from '../../src/core/discovery/data-plane-resolver.js'
import { LatestResolution } from '../../src/core/discovery/latest.js'
import type { Resolution, Resolver } from '../../src/core/discovery/resolution.js'
import { openSnapshotFile, type SnapshotFile } from '../../src/core/discovery/snapshot-file.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import { FairleadError } from '../../src/core/errors.js'
import type { Snapshot } from '../../src/core/model/snapshot.js'
import type { Logger } from '../../src/core/runtime.js'
import { ManualClock } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

let directory: string
let path: string
let clock: ManualClock
let warnings: string[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairlead-snapshot-'))
  path = join(directory, 'snapshot.json')
  clock = new ManualClock()
  warnings = []
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function openFile(prefix = '/ns'): Promise<SnapshotFile> {
  return openSnapshotFile({ path, prefix }, runtime())
}

function runtime() {
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (message, fields) => void warnings.push(`${message}: ${String(fields?.reason)}`),
  }
  return { clock, random: seededRandom(1), log }
}

function snapshot(addresses: string, revision = 5n): Snapshot {
  const endpoints = addresses === '' ? [] : parseStaticEndpoints(addresses)
  return { service: 'web', revision, endpoints, skipped: [] }
}

async function written(): Promise<unknown[]> {
  const { services } = JSON.parse(await readFile(path, 'utf8')) as { services: { endpoints: { Addr: string }[] }[] }
  return services.flatMap((service) => service.endpoints.map((endpoint) => endpoint.Addr))
}

describe('SnapshotFile', () => {
  it('gives back what was saved, for this user only', async () => {
    const file = await openFile()
    const saved = { ...snapshot('a:1@3,b:1'), serviceConfig: { loadBalancingConfig: [{ random: {} }] } }
    file.save(saved)
    await file.close()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(directory)).toEqual(['snapshot.json'])
    expect((await openFile()).get('web')).toEqual(saved)
    expect(warnings).toEqual([])
  })

  it('writes at once, then at most once a second', async () => {
    const file = await openFile()
    file.save(snapshot('a:1'))
    await clock.advance(0)
    await expect.poll(written).toEqual(['a:1'])
    file.save(snapshot('b:1'))
    file.save(snapshot('c:1'))
    await clock.advance(999)
    expect(await written()).toEqual(['a:1'])
    await clock.advance(1)
    await expect.poll(written).toEqual(['c:1'])
    await file.close()
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['', 'not JSON'],
    ['[]', 'no snapshot file'],
    ['{"schemaVersion":1,"prefix":"/other","services":[]}', 'prefix "/other"'],
    ['{"schemaVersion":1,"prefix":"/ns"}', 'no list of services'],
  ])('does without a file that holds %j', async (text, reason) => {
    await writeFile(path, text)
    const file = await openFile()
    expect(file.get('web')).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining(reason)])
  })

  it('leaves out what is no endpoint', async () => {
    const endpoints = [{ Addr: 'a:1' }, { Addr: '0.0.0.0:1' }, { Addr: 'b:1', Metadata: { weight: -1 } }, 'c:1', null]
    const services = [{ service: 'web', revision: 'x', endpoints }, { service: '__proto__/' }, 7]
    await writeFile(path, JSON.stringify({ schemaVersion: 1, prefix: '/ns', services }))
    expect((await openFile()).get('web')).toMatchObject({ revision: 0n, endpoints: [{ address: 'a:1', weight: 1 }] })
  })

  it('names a directory that cannot be written to', async () => {
    path = join(directory, 'absent', 'snapshot.json')
    await expect(openFile()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(path) })
  })

  it('reports a write that fails and goes on', async () => {
    const file = await openFile()
    await rm(directory, { recursive: true })
    file.save(snapshot('a:1'))
    await file.close()
    expect(warnings).toEqual([expect.stringContaining('could not be written')])
  })
})

describe('a data plane with a snapshot file', () => {
  const AWAY = new FairleadError('UNAVAILABLE', 'away')

  async function start(known: string) {
    const file = await openFile()
    if (known !== '') file.save(snapshot(known))
    const source = new LatestResolution()
    const registry: Resolver = { resolve: (_service, signal) => source.read(signal) }
    const abort = new AbortController()
    const seen: string[] = []
    const dataPlane = createDataPlaneResolver(registry, { ttlMs: 10_000, snapshotFile: file }, runtime())
    const done = (async () => {
      for await (const resolution of dataPlane.resolve('web', abort.signal)) seen.push(short(resolution))
    })()
    const offer = async (resolution: Resolution) => {
      source.offer(resolution)
      await clock.advance(0)
    }
    const end = async () => {
      abort.abort()
      await done
      await file.close()
    }
    const list = (addresses: string) => offer({ kind: 'snapshot', snapshot: snapshot(addresses), departed: new Set() })
    return { file, seen, list, stale: () => offer({ kind: 'stale', since: 0, error: AWAY }), end }
  }

  function short(resolution: Resolution): string {
    return resolution.kind === 'stale' ? 'stale' : resolution.snapshot.endpoints.map((e) => e.host).join('')
  }

  it('starts from it, stale, when the registry is away', async () => {
    const { seen, stale, list, end } = await start('a:1,b:1')
    await stale()
    expect(seen).toEqual(['ab', 'stale'])
    await list('a:1')
    expect(seen).toEqual(['ab', 'stale', 'a'])
    await end()
  })

  it('starts from it when the registry says nothing at all', async () => {
    const { seen, end } = await start('a:1')
    await clock.advance(999)
    expect(seen).toEqual([])
    await clock.advance(1)
    expect(seen).toEqual(['a', 'stale'])
    await end()
  })

  it('goes by the registry when that answers', async () => {
    const { seen, list, end } = await start('a:1')
    await list('b:1')
    await clock.advance(2000)
    expect(seen).toEqual(['b'])
    await end()
    expect(await written()).toEqual(['b:1'])
  })

  it('holds what it started from when the registry turns out to be empty', async () => {
    const { seen, stale, list, end } = await start('a:1,b:1,c:1')
    await stale()
    await list('')
    expect(seen.at(-1)).toBe('abc')
    await clock.advance(10_000)
    expect(seen.at(-1)).toBe('')
    await end()
  })

  it('has nothing to start from the first time', async () => {
    const { seen, stale, end } = await start('')
    await clock.advance(5000)
    await stale()
    expect(seen).toEqual(['stale'])
    await end()
  })
})
