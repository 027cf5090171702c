import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../support/eventually.js'
import { freePort } from '../../support/real-etcd.js'
import { cleanup } from '../support.js'

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`

/** A request as nginx read it. */
export interface ReadRequest {
  readonly method: string
  readonly uri: string
  readonly host: string
  readonly body: string
  readonly status: string
}

export interface Nginx {
  readonly port: number
  /** A server that says `ok` to everything. */
  readonly plainPort: number
  /** Every request read so far, refused ones included, in the order they were done. */
  requests(): ReadRequest[]
}

/** nginx as a reverse proxy before itself. */
export async function startNginx(): Promise<Nginx> {
  const [port, plainPort] = [await freePort(), await freePort()]
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-nginx-'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const log = join(directory, 'requests.log')
  const config = `daemon off; master_process off; pid ${directory}/pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
  client_body_buffer_size 1m;
  large_client_header_buffers 4 64k;
  log_format read escape=json '{"method":"$request_method","uri":"$request_uri","host":"$http_host","body":"$request_body","status":"$status"}';
  server { listen 127.0.0.1:${plainPort}; access_log off; location / { return 200 "ok"; } }
  server {
    listen 127.0.0.1:${port};
    access_log ${log} read;
    location / { proxy_pass http://127.0.0.1:${plainPort}; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`
  writeFileSync(join(directory, 'nginx.conf'), config)
  await startProgram('nginx', ['-p', directory, '-c', 'nginx.conf'], directory, port)
  const requests = () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReadRequest)
  return { port, plainPort, requests }
}

/** HAProxy before `backend`, as strict as it is by default. Returns its port. */
export async function startHaproxy(backend: number): Promise<number> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-haproxy-'))
  const config = `global
  maxconn 500
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen proxy
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${backend}
`
  writeFileSync(join(directory, 'haproxy.cfg'), config)
  await startProgram('haproxy', ['-db', '-q', '-f', join(directory, 'haproxy.cfg')], directory, port)
  return port
}

async function startProgram(name: string, args: string[], directory: string, port: number): Promise<void> {
  const child = spawn(name, args, { stdio: 'ignore', env: { ...process.env, PATH } })
  cleanup(async () => {
    await stop(child)
    rmSync(directory, { recursive: true, force: true })
  })
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`${name} exited with ${child.exitCode}`)
    return (await firstLine(port, '', 50)) !== undefined
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/**
 * The first line that comes back for `payload`: '' if there is none before the connection ends or `patienceMs` are over,
 * undefined if nobody listens.
 */
export function firstLine(port: number, payload: string, patienceMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    let connected = false
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(connected ? /^[^\r\n]*/.exec(text)![0] : undefined)
    }
    const timer = setTimeout(finish, patienceMs)
    socket.on('connect', () => {
      connected = true
      if (payload === '') finish()
      else socket.write(Buffer.from(payload, 'latin1'))
    })
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes('\n')) finish()
    })
    socket.on('error', finish)
    socket.on('close', finish)
  })
}
