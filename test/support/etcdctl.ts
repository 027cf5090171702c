import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { RealEtcd } from './real-etcd.js'

const run = promisify(execFile)

/** Runs etcdctl against a registry and returns what it prints, without the last line break. */
export async function etcdctl(etcd: Pick<RealEtcd, 'endpoint'>, ...args: string[]): Promise<string> {
  const { stdout } = await run('etcdctl', ['--endpoints', etcd.endpoint, ...args], {
    env: { ...process.env, ETCDCTL_API: '3' },
  })
  return stdout.trimEnd()
}

/** The value of a key, undefined if there is none. */
export async function valueOf(etcd: Pick<RealEtcd, 'endpoint'>, key: string): Promise<string | undefined> {
  const text = await etcdctl(etcd, 'get', key, '--print-value-only')
  return text === '' ? undefined : text
}
