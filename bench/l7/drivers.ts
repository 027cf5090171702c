import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pinned } from '../support/cores.js'
import { program } from '../support/processes.js'

/** What a load did. */
export interface Driven {
  readonly requests: number
  /** Requests without the answer they should have had. */
  readonly errors: number
  readonly seconds: number
}

/** Where and how a load is driven. */
export interface Drive {
  readonly port: number
  readonly requests: number
  readonly connections: number
  /** Requests open at a time on each connection. */
  readonly streams: number
  /** The core that the load generator runs on. */
  readonly core: number | undefined
  /** For files that a generator reads or writes. */
  readonly directory: string
}

const UNIQUE_CLIENT = fileURLToPath(new URL('unique-client.mjs', import.meta.url))
const MOST_SECONDS = 90
/** What gRPC clients send beside what h2load does by itself. */
const GRPC_HEADERS = ['content-type: application/grpc', 'te: trailers', 'grpc-accept-encoding: identity, deflate, gzip']

/** gRPC calls that all have the same head. */
export async function h2load(drive: Drive, more: readonly string[] = [], scheme = 'http'): Promise<Driven> {
  const { port, requests, connections, streams, core, directory } = drive
  const headers = GRPC_HEADERS.flatMap((header) => ['-H', header])
  const counts = ['-n', String(requests), '-c', String(connections), '-m', String(streams), '-t1']
  const uri = `${scheme}://127.0.0.1:${port}/bench.v1.Greeter/SayHello`
  const args = [...counts, ...headers, '-d', join(directory, 'message'), ...more, uri]
  const text = await output(core, program('h2load'), args)
  const [, succeeded] = /, (\d+) succeeded,/.exec(text) ?? []
  const [, ok] = /status codes: (\d+) 2xx/.exec(text) ?? []
  const [, amount, unit] = /finished in ([\d.]+)(us|ms|s|min)?/.exec(text) ?? []
  if (succeeded === undefined || ok === undefined || amount === undefined) throw new Error(`h2load said: ${text}`)
  const seconds = Number(amount) * ({ us: 1e-6, ms: 1e-3, min: 60 }[unit ?? 's'] ?? 1)
  return { requests, errors: requests - Math.min(Number(succeeded), Number(ok)), seconds }
}

/** HTTP/1.1 requests one after the other on kept connections, for as long as that many take at 25,000 a second. */
export async function wrk({ port, requests, connections, core }: Drive): Promise<Driven> {
  const duration = Math.ceil(requests / 25_000)
  const args = ['-t1', `-c${connections}`, `-d${duration}s`, `http://127.0.0.1:${port}/`]
  const text = await output(core, program('wrk'), args)
  const [, done, seconds] = /(\d+) requests in ([\d.]+)s/.exec(text) ?? []
  if (done === undefined) throw new Error(`wrk said: ${text}`)
  const [, ...sockets] = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text) ?? []
  const [, answers = '0'] = /Non-2xx or 3xx responses: (\d+)/.exec(text) ?? []
  const errors = [...sockets, answers].reduce((sum, each) => sum + Number(each), 0)
  return { requests: Number(done), errors, seconds: Number(seconds) }
}

/** gRPC calls no two of which have the same head; every answer has a body of so many bytes. */
export async function unique(drive: Drive, bytes: number): Promise<Driven> {
  const { port, requests, connections, streams, core } = drive
  const args = [UNIQUE_CLIENT, ...[port, connections, streams, requests, bytes].map(String)]
  return JSON.parse(await output(core, process.execPath, args)) as Driven
}

/** Milliseconds that each of so many gRPC calls took at a steady rate, sorted. Throws when one failed. */
export async function latencies(drive: Drive, callsPerSecond: number): Promise<number[]> {
  const file = join(drive.directory, `latencies-${drive.port}`)
  const rate = ['--rps', String(callsPerSecond / drive.connections), '--log-file', file]
  const { errors } = await h2load(drive, rate)
  if (errors > 0) throw new Error(`${errors} calls failed at a steady rate`)
  // The time of the start, the status, and microseconds.
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => Number(line.split('\t')[2]) / 1000).sort((a, b) => a - b)
}

async function output(core: number | undefined, command: string, args: readonly string[]): Promise<string> {
  const child = spawn(...pinned(core, command, args), { stdio: ['ignore', 'pipe', 'pipe'] })
  let [text, log] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), MOST_SECONDS * 1000)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  if (code !== 0) throw new Error(`${command} failed: ${log || text}`)
  return text
}
