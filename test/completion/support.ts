import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { startRegistry } from '../../src/testing.js'
import { run } from '../support/cli.js'

/** Nothing of who runs the tests. */
const BASE = { LANG: 'C.UTF-8', TERM: 'xterm' }

export interface Playground {
  /** Files: the completion scripts `completion.bash`, …, and a folder `files` with `ca.pem` and `other.txt`. */
  readonly folder: string
  /** With `fairlead` on the PATH and a registry that holds the services web (two addresses), webhook and api. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Everything a shell needs to complete `fairlead …`. */
export async function openPlayground(): Promise<Playground> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-completion-'))
  const program = join(folder, 'fairlead')
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${resolve('bin/run.js')} "$@"\n`)
  chmodSync(program, 0o755)
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await run(['completion', shell])
    if (code !== 0) throw new Error(`no completion for ${shell}`)
    writeFileSync(join(folder, `completion.${shell}`), stdout)
  }
  mkdirSync(join(folder, 'files'))
  for (const name of ['ca.pem', 'other.txt']) writeFileSync(join(folder, 'files', name), '')
  const registry = await startRegistry()
  const store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
  for (const key of [
    'web/10.0.0.5:8080',
    'web/10.0.0.6:8080',
    'webhook/10.0.0.7:80',
    'api/[fd00::1]:80',
    'web/broken',
  ]) {
    await store.txn({ then: [{ type: 'put', key: `/ns/${key}`, value: '' }] })
  }
  await store.txn({ then: [{ type: 'put', key: '/dev/staging/10.0.0.9:80', value: '' }] })
  await store.close()
  const env = { ...BASE, HOME: folder, PATH: `${folder}:${process.env.PATH}`, FAIRLEAD_ENDPOINTS: registry.endpoint }
  return {
    folder,
    env,
    close: async () => {
      await registry.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** What a shell prints that runs in the playground. Fails where it writes to stderr. */
export async function output({ folder, env }: Playground, shell: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(shell, args, { env, cwd: folder })
  if (stderr !== '') throw new Error(stderr)
  return stdout
}

export const COMMANDS = ['config', 'deregister', 'doctor', 'help', 'pick', 'proxy', 'register', 'resolve', 'watch']

/** What every shell offers for a line; each candidate stands for the whole word. */
export const OFFERS: readonly (readonly [line: string, candidates: readonly string[]])[] = [
  ['fairlead re', ['register', 'registry', 'resolve']],
  ['fairlead config ', ['get', 'set', 'unset']],
  ['fairlead help res', ['resolve']],
  ['fairlead serve ', ['bootstrap']],
  ['fairlead serve --grpc', ['--grpclb']],
  ['fairlead serve bootstrap --node', ['--node-id']],
  ['fairlead serve bootstrap --grpc', []],
  ['fairlead serve --grpclb :0 --xd', ['--xds']],
  ['fairlead resolve ', ['api', 'web', 'webhook']],
  ['fairlead resolve webh', ['webhook']],
  ['fairlead config get w', ['web', 'webhook']],
  ['fairlead resolve --prefix /dev ', ['staging']],
  ['fairlead resolve --zone a --prefix=/dev ', ['staging']],
  ['fairlead resolve --endpoints 127.0.0.1:1 w', []],
  ['fairlead deregister web ', ['10.0.0.5:8080', '10.0.0.6:8080']],
  ['fairlead set --weight 3 web 10.0.0.6:', ['10.0.0.6:8080']],
  ['fairlead deregister api ', ['[fd00::1]:80']],
  ['fairlead deregister nobody ', []],
  ['fairlead pick web --policy least_', ['least_connections', 'least_request']],
  ['fairlead pick --policy=ring', ['--policy=ring_hash']],
  ['fairlead set web 10.0.0.5:8080 --state ', ['drain', 'maint', 'ready']],
  ['fairlead resolve web -o j', ['json']],
  ['fairlead wait web --for end', ['endpoints=']],
  ['fairlead proxy 8080=web', ['8080=web', '8080=webhook']],
  ['fairlead proxy 8080=api 8081=webh', ['8081=webhook']],
  ['fairlead resolve --cacert files/c', ['files/ca.pem']],
  ['fairlead register web 10.0.0.8:80 --on-con', ['--on-conflict']],
  ['fairlead completion z', ['zsh']],
]
