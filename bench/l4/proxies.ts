import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, program, type Started, startProcess } from '../support/processes.js'

const RUN_JS = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const NGINX_MODULES = [process.env.NGINX_STREAM_MODULE ?? '', '/usr/lib/nginx/modules/ngx_stream_module.so']

/** A proxy to compare. `start` throws where it is not installed. */
export interface ComparedProxy {
  readonly name: 'fairlead' | 'HAProxy' | 'nginx'
  start(upstreamPort: number, directory: string): Promise<Started>
}

export const PROXIES: readonly ComparedProxy[] = [
  { name: 'fairlead', start: startFairlead },
  { name: 'HAProxy', start: startHaproxy },
  { name: 'nginx', start: startNginx },
]

function startFairlead(upstreamPort: number): Promise<Started> {
  const args = [RUN_JS, 'proxy', `tcp://127.0.0.1:0=127.0.0.1:${upstreamPort}`, '-o', 'ndjson']
  const read = (line: string) => Number(/:(\d+)$/.exec((JSON.parse(line) as { listen: string }).listen)![1])
  return startProcess(process.execPath, args, { read })
}

async function startHaproxy(upstreamPort: number, directory: string): Promise<Started> {
  const port = await freePort()
  const file = join(directory, 'haproxy.cfg')
  const config = `global
  maxconn 4000
  nbthread 1
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen proxy
  bind 127.0.0.1:${port}
  balance roundrobin
  server echo 127.0.0.1:${upstreamPort}
`
  writeFileSync(file, config)
  return startProcess(program('haproxy'), ['-db', '-q', '-f', file], { known: port })
}

async function startNginx(upstreamPort: number, directory: string): Promise<Started> {
  const module = NGINX_MODULES.find((path) => path !== '' && existsSync(path))
  if (!module) throw new Error('the stream module of nginx is not installed')
  const port = await freePort()
  const prefix = join(directory, 'nginx')
  mkdirSync(prefix, { recursive: true })
  const config = `load_module ${module};
daemon off;
worker_processes 1;
pid ${prefix}/pid;
error_log stderr crit;
events { worker_connections 4096; }
stream {
  upstream echo { server 127.0.0.1:${upstreamPort}; }
  server {
    listen 127.0.0.1:${port};
    tcp_nodelay on;
    proxy_pass echo;
  }
}
`
  writeFileSync(join(prefix, 'nginx.conf'), config)
  return startProcess(program('nginx'), ['-p', prefix, '-c', join(prefix, 'nginx.conf')], { known: port })
}
