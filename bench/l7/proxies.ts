import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pinned } from '../support/cores.js'
import { freePort, program, type Started, startProcess } from '../support/processes.js'

const RUN_JS = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** How a proxy is to be set up. */
export interface ProxySetup {
  readonly protocol: 'grpc' | 'http'
  /** Ports of the backends. */
  readonly upstreams: readonly number[]
  readonly core: number | undefined
  /** A directory of its own, for its files. */
  readonly directory: string
}

/** A proxy to compare. `start` throws where it is not installed. */
export interface ComparedProxy {
  readonly name: 'fairlead' | 'HAProxy' | 'nginx' | 'nghttpx' | 'Envoy'
  start(setup: ProxySetup): Promise<Started>
}

/** Every peer forwards the client's address in a field of its own, as fairlead does, keeps no log and uses one thread. */
export const PROXIES: readonly ComparedProxy[] = [
  { name: 'fairlead', start: (setup) => startFairlead(setup) },
  { name: 'HAProxy', start: startHaproxy },
  { name: 'nginx', start: startNginx },
  { name: 'nghttpx', start: startNghttpx },
  { name: 'Envoy', start: startEnvoy },
]

/** Client connections that every proxy can hold: HAProxy counts two files for each and does not start with more than it may open. */
export function mostConnections(): number {
  const [, files = '1024'] = /Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return Math.min(10_500, Math.floor((Number(files) - 100) / 2))
}

/** fairlead as it is without a flag, or with more flags. */
export function startFairlead(
  { protocol, upstreams, core }: ProxySetup,
  flags: readonly string[] = [],
): Promise<Started> {
  const target = upstreams.map((port) => `127.0.0.1:${port}`).join(',')
  const args = [RUN_JS, 'proxy', `${protocol}://127.0.0.1:0=${target}`, '-o', 'ndjson', ...flags]
  const read = (line: string) => Number(/:(\d+)$/.exec((JSON.parse(line) as { listen: string }).listen)![1])
  return startProcess(...pinned(core, process.execPath, args), { read })
}

async function startHaproxy({ protocol, upstreams, core, directory }: ProxySetup): Promise<Started> {
  const port = await freePort()
  const proto = protocol === 'grpc' ? ' proto h2' : ''
  const servers = upstreams.map((upstream, i) => `  server s${i} 127.0.0.1:${upstream}${proto}`)
  const config = `global
  maxconn ${mostConnections()}
  nbthread 1
defaults
  mode http
  http-reuse always
  option forwardfor
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen proxy
  bind 127.0.0.1:${port}${proto}
  balance roundrobin
${servers.join('\n')}
`
  const file = write(directory, 'haproxy.cfg', config)
  return startProcess(...pinned(core, program('haproxy'), ['-db', '-q', '-f', file]), { known: port })
}

async function startNginx({ protocol, upstreams, core, directory }: ProxySetup): Promise<Started> {
  const port = await freePort()
  const servers = upstreams.map((upstream) => `server 127.0.0.1:${upstream};`).join(' ')
  const pass =
    protocol === 'grpc'
      ? 'grpc_pass grpc://backends; grpc_set_header X-Forwarded-For $remote_addr;'
      : 'proxy_pass http://backends; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr;'
  const config = `daemon off;
worker_processes 1;
pid ${directory}/pid;
error_log stderr crit;
events { worker_connections 12000; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 1h;
  upstream backends { ${servers} keepalive 512; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}${protocol === 'grpc' ? ' http2' : ''};
    location / { ${pass} }
  }
}
`
  const file = write(directory, 'nginx.conf', config)
  return startProcess(...pinned(core, program('nginx'), ['-p', directory, '-c', file]), { known: port })
}

async function startNghttpx({ protocol, upstreams, core, directory }: ProxySetup): Promise<Started> {
  const port = await freePort()
  const proto = protocol === 'grpc' ? 'h2' : 'http/1.1'
  const config = `frontend=127.0.0.1,${port};no-tls
${upstreams.map((upstream) => `backend=127.0.0.1,${upstream};/;no-tls;proto=${proto}`).join('\n')}
workers=1
add-x-forwarded-for=yes
frontend-http2-read-timeout=1h
backend-keep-alive-timeout=1h
log-level=FATAL
errorlog-file=/dev/null
`
  const file = write(directory, 'nghttpx.conf', config)
  return startProcess(...pinned(core, program('nghttpx'), [`--conf=${file}`]), { known: port })
}

async function startEnvoy({ protocol, upstreams, core, directory }: ProxySetup): Promise<Started> {
  const port = await freePort()
  const address = (number: number) => ({ socket_address: { address: '127.0.0.1', port_value: number } })
  const type = 'type.googleapis.com/envoy.extensions'
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': `${type}.filters.http.router.v3.Router` },
  }
  const manager = {
    '@type': `${type}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    'stat_prefix': 'bench',
    'codec_type': protocol === 'grpc' ? 'HTTP2' : 'HTTP1',
    'use_remote_address': true,
    'http_filters': [router],
    'route_config': {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'all' } }] }],
    },
  }
  const explicit = protocol === 'grpc' ? { http2_protocol_options: {} } : { http_protocol_options: {} }
  const options = { '@type': `${type}.upstreams.http.v3.HttpProtocolOptions`, 'explicit_http_config': explicit }
  const cluster = {
    name: 'all',
    type: 'STATIC',
    lb_policy: 'ROUND_ROBIN',
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
    load_assignment: {
      cluster_name: 'all',
      endpoints: [{ lb_endpoints: upstreams.map((each) => ({ endpoint: { address: address(each) } })) }],
    },
  }
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }]
  const listeners = [{ name: 'proxy', address: address(port), filter_chains: [{ filters }] }]
  // Envoy reads JSON as YAML.
  const file = write(directory, 'envoy.yaml', JSON.stringify({ static_resources: { listeners, clusters: [cluster] } }))
  const args = ['-c', file, '--concurrency', '1', '--log-level', 'off', '--use-dynamic-base-id']
  return startProcess(...pinned(core, program('envoy'), args), { known: port })
}

function write(directory: string, name: string, text: string): string {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}
