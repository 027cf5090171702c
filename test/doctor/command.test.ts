import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { run } from '../support/cli.js'
import { freePort } from '../support/real-etcd.js'

let registry: TestRegistry
beforeAll(async () => {
  registry = await startRegistry()
})
afterAll(() => registry.close())

describe('fairlead doctor', () => {
  it('exits 0 where nothing is wrong and 1 where it finds an error', async () => {
    const env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
    expect((await run(['register', 'web', registry.endpoint, '--permanent'], { env })).code).toBe(0)
    const fine = await run(['doctor', '--json'], { env })
    expect(fine.code).toBe(0)
    expect(JSON.parse(fine.stdout)).toMatchObject({
      schemaVersion: 1,
      members: [{ endpoint: registry.endpoint, problems: [] }],
      services: 1,
      endpoints: 1,
      findings: [{ severity: 'info', subject: `/ns/web/${registry.endpoint}` }],
    })

    const dead = `127.0.0.1:${await freePort()}`
    expect((await run(['register', 'web', dead, '--permanent'], { env })).code).toBe(0)
    const ill = await run(['doctor', 'web'], { env })
    expect(ill.code).toBe(1)
    expect(ill.stdout).toMatch(new RegExp(`^error +${dead} +does not answer`, 'm'))
  })

  it('writes a JUnit report beside its answer, or in its place', async () => {
    const env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-doctor-'))
    const file = join(folder, 'doctor.xml')
    const { code, stdout } = await run(['doctor', '--junit', file, '--json'], { env })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ permitted: { read: true, write: true }, latency: {} })
    const xml = readFileSync(file, 'utf8')
    expect(xml).toMatch(/<testsuites .* failures="1" /)
    const printed = await run(['doctor', '--junit', '-'], { env })
    expect(printed.code).toBe(1)
    expect(printed.stdout).toMatch(/^<\?xml[^]*does not answer[^]*<\/testsuites>\n$/)
    expect((await run(['doctor', '--junit', '-', '--json'], { env })).code).toBe(2)
    expect((await run(['doctor', '--junit', join(folder, 'no/such/file')], { env })).code).toBe(2)
    const away = await run(['doctor', '--junit', file, '--endpoints', `127.0.0.1:${await freePort()}`])
    expect(away.code).toBe(4)
    expect(readFileSync(file, 'utf8')).toMatch(/failures="1"[^]*<failure message=/)
    rmSync(folder, { recursive: true })
  })

  it('tells CI of errors and warnings, and adds its table to the summary of the step', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-doctor-'))
    const summary = join(folder, 'summary.md')
    const env = { FAIRLEAD_ENDPOINTS: registry.endpoint, GITHUB_STEP_SUMMARY: summary }
    for (const extra of [[], ['--junit', '-']]) {
      const { stderr } = await run(['doctor', 'web', '--annotate', 'github', ...extra], { env })
      expect(stderr).toMatch(
        /^::error title=fairlead doctor%3A 127\.0\.0\.1%3A\d+::does not answer: .*%0Astart its process/m,
      )
    }
    expect(readFileSync(summary, 'utf8').match(/\| error \| 127\.0\.0\.1:\d+ \|/g)).toHaveLength(2)
    rmSync(folder, { recursive: true })
  })

  it('exits 4 without a registry', async () => {
    const ended = await run(['doctor', '--endpoints', `127.0.0.1:${await freePort()}`, '--json'])
    expect(ended.code).toBe(4)
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'UNAVAILABLE', exit: 4 } })
  })
})
