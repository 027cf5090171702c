import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('docs/commands.md says what the help says (npm run docs writes it anew)', async () => {
  const committed = await readFile('docs/commands.md', 'utf8')
  const folder = await mkdtemp('dist/docs-')
  try {
    const fresh = join(folder, 'commands.md')
    await writeFile(fresh, committed)
    const args = ['readme', '--readme-path', relative('.', fresh), '--no-aliases', '--no-source-links']
    // Under NODE_ENV=test oclif would look for the sources of what is built.
    const env = { ...process.env, NODE_ENV: 'production', OCLIF_SKIP_NEW_VERSION_CHECK: 'true' }
    await promisify(execFile)('node_modules/.bin/oclif', args, { env })
    expect(await readFile(fresh, 'utf8')).toBe(committed)
  } finally {
    await rm(folder, { recursive: true })
  }
})
