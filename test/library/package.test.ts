import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/real-etcd.js'

const ROOT = resolve('.')
const SLOW = { timeout: 60_000 }

/** Runs a program to its end. One that something keeps alive is ended, and has no status. */
function run(args: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 50_000 })
  return { status, stdout, stderr }
}

describe('the built package', () => {
  let consumer: string

  beforeAll(() => {
    consumer = mkdtempSync(join(tmpdir(), 'fairlead-consumer-'))
    mkdirSync(join(consumer, 'node_modules/@types'), { recursive: true })
    symlinkSync(ROOT, join(consumer, 'node_modules/fairlead'))
    symlinkSync(join(ROOT, 'node_modules/@types/node'), join(consumer, 'node_modules/@types/node'))
    writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }')
  })
  afterAll(() => rmSync(consumer, { recursive: true, force: true }))

  it('runs its example, which ends by itself', SLOW, () => {
    expect(run(['examples/library.mjs'], ROOT)).toEqual({
      status: 0,
      stderr: '',
      stdout: [
        'web has 2 endpoints of weights 1,2',
        '30 requests: 10 blue, 20 green',
        'through the proxy: 200',
        'one left: deregistered',
        '',
      ].join('\n'),
    })
  })

  it('runs its example of a gRPC client, which ends by itself', SLOW, () => {
    expect(run(['examples/grpc-client.mjs'], ROOT)).toEqual({
      status: 0,
      stderr: '',
      stdout: '900 calls: 100 blue, 200 green, 600 red\nwithout red: 300 blue, 600 green, 0 red\n',
    })
  })

  it('leaves nothing behind that keeps a process alive, even if the registry never answered', SLOW, async () => {
    const program = `
      import { connect } from 'fairlead'
      const fairlead = await connect({ endpoints: ['127.0.0.1:${await freePort()}'], commandTimeoutMs: 500 })
      await fairlead.register('web', '10.0.0.5:8080', { wait: false })
      await fairlead.balance('web', { wait: false })
      await fairlead.proxy({ listen: 0, service: 'web' })
      await fairlead.serve({ grpclb: 0, xds: 0 })
      const events = fairlead.watch('web')[Symbol.asyncIterator]()
      console.log((await events.next()).value.type)
      await fairlead.close()
      console.log(JSON.stringify(await events.next()))`
    writeFileSync(join(consumer, 'program.js'), program)
    expect(run(['program.js'], consumer)).toEqual({ status: 0, stdout: 'stale\n{"done":true}\n', stderr: '' })
  })

  it('carries the licences of the packages in its bundle', () => {
    const licenses = readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8')
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object }
    // Replaced in the bundle by code of our own, or left where they are installed.
    const outside = ['@grpc/proto-loader', '@grpc/reflection', 'grpc-health-check']
    const bundled = Object.keys(dependencies).filter((name) => !outside.includes(name))
    expect(bundled.filter((name) => !licenses.includes(`\n${name} `))).toEqual([])
    expect(licenses).toContain('Permission is hereby granted')
    expect(licenses).toContain('Apache License')
  })

  it('offers what the documentation names, and no more', SLOW, () => {
    writeFileSync(
      join(consumer, 'names.js'),
      `import * as fairlead from 'fairlead'
      import * as testing from 'fairlead/testing'
      console.log([...Object.keys(fairlead), ...Object.keys(testing)].join(' '))`,
    )
    expect(run(['names.js'], consumer)).toMatchObject({
      stdout: 'FairleadError POLICY_NAMES connect startRegistry\n',
    })
  })

  it('has types that accept right use and refuse wrong use', SLOW, () => {
    writeFileSync(
      join(consumer, 'typed.ts'),
      `import { connect, FairleadError, type Endpoint, type PolicyName, type Registration, type Snapshot } from 'fairlead'
      import { startRegistry } from 'fairlead/testing'

      const registry = await startRegistry()
      const fairlead = await connect({ endpoints: [registry.endpoint], tls: { ca: 'PEM' }, verify: true })
      const policy: PolicyName = 'least_request'
      const registration: Registration = await fairlead.register('web', '10.0.0.5:80', { weight: 3, onConflict: 'takeover' })
      const snapshot: Snapshot = await fairlead.resolve('web', { timeoutMs: 100 })
      const revision: bigint = snapshot.revision
      const balancer = await fairlead.balance('web', { policy, policyConfig: { choiceCount: 3 } })
      const pick = balancer.pick({ key: 'user' })
      const other: Endpoint = balancer.pick({ exclude: [pick] }).endpoint
      pick.done({ ok: false, latencyMs: 3 })
      for await (const event of fairlead.watch('web', { signal: AbortSignal.timeout(1) })) {
        if (event.type === 'delete') console.log(event.reason, event.endpoint.weight)
        // @ts-expect-error only some events have an endpoint
        console.log(event.endpoint)
      }
      // @ts-expect-error no such policy
      await fairlead.balance('web', { policy: 'fastest' })
      // @ts-expect-error endpoints are immutable
      other.weight = 2
      // @ts-expect-error weights are numbers
      await fairlead.register('web', '10.0.0.5:80', { weight: '3' })
      console.log(registration, revision, (new Error() as FairleadError).code === 'UNAVAILABLE')`,
    )
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--types', 'node']
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    expect(run([tsc, ...options, 'typed.ts'], consumer)).toEqual({ status: 0, stdout: '', stderr: '' })
  })
})
