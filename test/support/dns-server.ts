import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type SrvData } from 'dns-packet'

/** One record of a zone. Names are written without the dot at the end. */
export type ZoneRecord =
  | { readonly type: 'A' | 'TXT'; readonly name: string; readonly data: string }
  | { readonly type: 'SRV'; readonly name: string; readonly data: SrvData }

export interface DnsServer {
  /** Of the loopback interface. */
  readonly address: string
  /** All that it was asked: type and name. */
  readonly asked: ReadonlySet<string>
  close(): Promise<void>
}

const NAME_ERROR = 3

/** A name server on UDP. Names without a record do not exist for it. */
export async function startDnsServer(zone: readonly ZoneRecord[]): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const asked = new Set<string>()
  socket.on('message', (query, { port, address }) => {
    const { id, questions = [] } = decode(query)
    const { type, name } = questions[0]!
    asked.add(`${type} ${name}`)
    const known = zone.filter((record) => record.name === name.toLowerCase())
    const answers = known.filter((record) => record.type === type).map((record) => ({ ...record, ttl: 1 }) as Answer)
    const flags = AUTHORITATIVE_ANSWER | (known.length === 0 ? NAME_ERROR : 0)
    socket.send(encode({ type: 'response', id, flags, questions, answers }), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(resolve)),
  }
}
