import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeWithPeers } from './support/peers.js'

const PAGE = 'docs/fairlead.1'

it('docs/fairlead.1 says what the help says (npm run docs writes it anew)', () => {
  const fresh = execFileSync(process.execPath, ['scripts/man-page.mjs'], { encoding: 'utf8' })
  expect(readFileSync(PAGE, 'utf8')).toBe(fresh)
})

it('goes with the package', () => {
  const { man, files } = JSON.parse(readFileSync('package.json', 'utf8')) as { man: string; files: string[] }
  expect(man).toBe(PAGE)
  expect(files).toContain(PAGE)
})

describeWithPeers(['man'], 'the manual page in man', () => {
  const man = (columns: number) => {
    const env = { ...process.env, MANPAGER: 'cat', MANWIDTH: String(columns), LC_ALL: 'C.UTF-8' }
    return spawnSync('man', ['--warnings=w', '-l', PAGE], { encoding: 'utf8', env })
  }

  it('is shown without a complaint', () => {
    const { status, stderr, stdout } = man(100)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const text = stdout.replaceAll(/.\u0008/g, '')
    for (const heading of ['NAME', 'SYNOPSIS', 'COMMANDS', 'COMMON FLAGS', 'EXIT STATUS', 'ENVIRONMENT']) {
      expect(text).toMatch(new RegExp(`^${heading}$`, 'm'))
    }
    expect(text).toMatch(/^ {3}fairlead config get$/m)
    expect(text).toMatch(/^ +--on-conflict=ON-CONFLICT$/m)
    expect(text).toMatch(/^ +fairlead watch web --exec 'echo "\$FAIRLEAD_EVENT \$FAIRLEAD_ADDRESS"'$/m)
    expect(text).toContain('[-- COMMAND ARGS…]')
  })

  it('keeps to the width of the terminal, but for examples', () => {
    const lines = man(80)
      .stdout.replaceAll(/.\u0008/g, '')
      .split('\n')
    const wide = lines.filter((line) => line.length > 80)
    expect(wide.filter((line) => !line.includes('fairlead '))).toEqual([])
  })
})
