import type { IAlarmResponse, IStatusResponse } from 'etcd3'
import type { Clock } from '../../runtime.js'
import type { CallOptions, MemberStatus } from '../store.js'
import type { Cluster } from './cluster.js'
import { toId } from './codec.js'
import type { Connection } from './connection.js'

/** Asks every endpoint at the same time; one that does not answer is reported with its error. */
export function askMembers(cluster: Cluster, clock: Clock, options: CallOptions): Promise<MemberStatus[]> {
  return Promise.all(cluster.connections.map((connection) => askMember(cluster, connection, clock, options)))
}

async function askMember(
  cluster: Cluster,
  connection: Connection,
  clock: Clock,
  options: CallOptions,
): Promise<MemberStatus> {
  const endpoint = connection.name
  try {
    const start = clock.now()
    const status = await cluster.callOne(connection, 'status', {}, options)
    const latencyMs = clock.now() - start
    const alarms = await cluster.callOne(connection, 'alarm', { action: 'Get', alarm: 'None', memberID: '0' }, options)
    const { header } = status
    return {
      endpoint,
      latencyMs,
      version: status.version,
      revision: BigInt(header.revision),
      clusterId: toId(header.cluster_id),
      memberId: toId(header.member_id),
      leader: status.leader === header.member_id,
      dbSizeBytes: Number(status.dbSize),
      problems: problemsOf(status, alarms),
    }
  } catch (error) {
    return { endpoint, problems: [], error: error as Error }
  }
}

const ALARMS: Readonly<Record<string, string>> = {
  Nospace: 'out of space: takes no writes until it is compacted, defragmented and the alarm is disarmed',
  Corrupt: 'its data is corrupt',
}

function problemsOf({ header, leader, errors }: IStatusResponse, { alarms }: IAlarmResponse): string[] {
  const own = alarms.filter(({ memberID }) => memberID === header.member_id)
  const complaints = errors.filter((text) => !/^memberID:\d+ alarm:/.test(text))
  if (leader === '0' && complaints.length === 0) complaints.push('has no leader')
  return [...own.map(({ alarm }) => ALARMS[alarm] ?? `alarm ${alarm}`), ...complaints]
}
