import { sanitize } from '../sanitize.js'

/** A report in the form that CI systems read from JUnit. */
export interface JunitSuite {
  readonly name: string
  readonly cases: readonly JunitCase[]
}

export interface JunitCase {
  readonly name: string
  /** Why it failed; empty where it did not. */
  readonly failures: readonly string[]
  /** What else there is to say. */
  readonly remarks: readonly string[]
}

/** The suites as an XML document. Texts may come from anywhere; each is one line. */
export function junitXml(name: string, suites: readonly JunitSuite[]): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escaped(name)}" ${counts(suites.flatMap(({ cases }) => cases))}>`,
    ...suites.flatMap((suite) => suiteLines(name, suite)),
    '</testsuites>',
  ]
  return `${lines.join('\n')}\n`
}

function suiteLines(classPrefix: string, { name, cases }: JunitSuite): string[] {
  return [
    `  <testsuite name="${escaped(name)}" ${counts(cases)}>`,
    ...cases.flatMap((each) => caseLines(`${classPrefix} ${name}`, each)),
    '  </testsuite>',
  ]
}

function caseLines(className: string, { name, failures, remarks }: JunitCase): string[] {
  const start = `    <testcase classname="${escaped(className)}" name="${escaped(name)}"`
  if (failures.length + remarks.length === 0) return [`${start}/>`]
  const [first] = failures
  return [
    `${start}>`,
    ...(first === undefined ? [] : [`      <failure message="${escaped(first)}">${body(failures)}</failure>`]),
    ...(remarks.length === 0 ? [] : [`      <system-out>${body(remarks)}</system-out>`]),
    '    </testcase>',
  ]
}

function counts(cases: readonly JunitCase[]): string {
  const failed = cases.filter(({ failures }) => failures.length > 0).length
  return `tests="${cases.length}" failures="${failed}" errors="0" skipped="0"`
}

function body(texts: readonly string[]): string {
  return texts.map(escaped).join('\n')
}

/** Unsafe characters are written out, which leaves none that XML does not allow but two noncharacters. */
function escaped(text: string): string {
  return sanitize(text)
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
