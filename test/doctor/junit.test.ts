import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { doctorJunit, failedJunit } from '../../src/cli/output/doctor-document.js'
import { junitXml } from '../../src/cli/output/junit.js'
import type { Diagnosis } from '../../src/core/doctor/diagnose.js'
import { REGISTRY_CHECKS, SERVICE_CHECKS, type Finding } from '../../src/core/doctor/finding.js'
import { FairleadError } from '../../src/core/errors.js'
import { describeWithPeers } from '../support/peers.js'

const HOSTILE = '<a b="c">&\u0000\u001b[1m\u202e\ufffe\ud800]]>\n'

const finding = (fields: Partial<Finding>): Finding => ({
  severity: 'error',
  check: 'ports',
  subject: 's',
  what: 'w',
  fix: 'f',
  ...fields,
})

function diagnosis(...findings: Finding[]): Diagnosis {
  return {
    members: [],
    latency: { readMs: 1, writeMs: undefined },
    permitted: { read: true, write: true },
    services: ['api', 'web'],
    endpoints: 0,
    findings,
  }
}

describe('a JUnit report of the doctor', () => {
  it('has a case for each thing looked at, and fails those with an error', () => {
    const xml = doctorJunit(
      diagnosis(
        finding({ service: 'web', subject: 'a:1', what: 'does not answer' }),
        finding({ service: 'web', subject: 'b:1', what: 'does not answer either' }),
        finding({ severity: 'warning', check: 'duplicates', service: 'web', what: 'repeats' }),
        finding({ check: 'read', what: 'the user is not permitted to read it' }),
      ),
    )
    const all = REGISTRY_CHECKS.length + 2 * SERVICE_CHECKS.length
    expect(xml).toContain(`<testsuites name="fairlead doctor" tests="${all}" failures="2" errors="0" skipped="0">`)
    expect(xml).toContain(`<testsuite name="api" tests="${SERVICE_CHECKS.length}" failures="0"`)
    expect(xml).toContain('<testcase classname="fairlead doctor api" name="ports"/>')
    expect(xml).toMatch(
      /name="ports">\n +<failure message="a:1 does not answer; f">a:1 does not answer; f\nb:1 does not answer either; f</,
    )
    expect(xml).toMatch(/name="duplicates">\n +<system-out>warning: s repeats; f<\/system-out>/)
    expect(xml).toMatch(/name="read">\n +<failure message="s the user is not permitted/)
  })

  it('is there too where nothing could be looked at', () => {
    const xml = failedJunit(new FairleadError('UNAVAILABLE', 'no registry', { hint: 'start it' }))
    expect(xml).toContain('failures="1"')
    expect(xml).toContain('message="no registry (start it)"')
  })

  it('lets no text be anything else', () => {
    const xml = doctorJunit(diagnosis(finding({ service: 'web', subject: HOSTILE, what: HOSTILE })))
    expect(xml).not.toMatch(/<a b/)
    expect(xml.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u202e\ufffe]/u)
  })
})

describeWithPeers(['python3'], 'JUnit reports and an XML parser', () => {
  it('are well-formed, whatever stands in them, and give it back', () => {
    const xml = junitXml(HOSTILE, [
      { name: HOSTILE, cases: [{ name: HOSTILE, failures: [HOSTILE], remarks: [HOSTILE] }] },
    ])
    const program = [
      'import sys, xml.etree.ElementTree as tree',
      'root = tree.fromstring(sys.stdin.buffer.read())',
      'print(root.tag, root.get("failures"), root[0][0][0].get("message")[:14], len(root[0][0]))',
    ].join('\n')
    const { stdout, stderr } = spawnSync('python3', ['-c', program], { input: xml, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout).toBe('testsuites 1 <a b="c">&\\x00 2\n')
  })
})
