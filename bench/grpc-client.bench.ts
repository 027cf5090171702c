import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { POLICY_NAMES, type PolicyName } from '../src/core/balancer/policies/index.js'
import type { CallTimes } from './grpc-client/calls.js'
import type { Servers } from './grpc-client/servers.js'
import { type Benchmark, type Row, row } from './support/shape.js'

const SERVERS = 4
/** What a call may cost, in terms of one under grpc-js's own round_robin. */
const GOAL = 1.1

/** Hash policies go by a header that every call has. */
const CONFIGS: Readonly<Partial<Record<PolicyName, object>>> = {
  source_hash: { requestHashHeader: 'x-user' },
  ring_hash: { requestHashHeader: 'x-user' },
  maglev: { requestHashHeader: 'x-user' },
}

function start(program: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(`./grpc-client/${program}.ts`, import.meta.url))
  return fork(path, args, { execArgv: ['--import', 'tsx'] })
}

/** The first message of a process. Rejects if it ends before. */
async function messageOf<T>(child: ChildProcess): Promise<T> {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${code}`)
  })
  const [message] = (await Promise.race([once(child, 'message'), failed])) as [T]
  failed.catch(() => undefined)
  return message
}

/** @param policy without one: grpc-js's own round_robin against itself */
async function measure(policy: PolicyName | undefined, servers: Servers, rounds: number): Promise<Row> {
  const entry = JSON.stringify(policy === undefined ? null : { [policy]: CONFIGS[policy] ?? {} })
  const child = start('calls', [JSON.stringify(servers), entry, String(rounds)])
  const { ours, roundRobin } = await messageOf<CallTimes>(child)
  const ratios = ours.map((time, round) => time / roundRobin[round]!)
  const mean = (times: readonly number[]) => times.reduce((sum, time) => sum + time, 0) / times.length
  const details = { 'µs': mean(ours), 'µs round_robin of grpc-js': mean(roundRobin) }
  if (policy === undefined)
    return row('nothing of ours', ratios, { unit: '×', details, note: 'what chance alone makes of it' })
  return row(policy, ratios, { unit: '×', goal: GOAL, details })
}

const benchmark: Benchmark = {
  name: 'grpc-client',
  async run({ rounds, progress, note }) {
    const far = start('servers', [String(SERVERS)])
    try {
      const servers = await messageOf<Servers>(far)
      const rows: Row[] = []
      for (const policy of [undefined, ...POLICY_NAMES]) {
        progress(policy ?? 'nothing of ours')
        rows.push(await measure(policy, servers, rounds))
      }
      note(
        `CPU time of the client a call: unary, empty, 32 at a time over ${SERVERS} servers; ours resolve from a registry.`,
      )
      return rows
    } finally {
      const ended = once(far, 'exit')
      far.kill()
      await ended
    }
  },
}

export default benchmark
