import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.js'
import { grpcBootstrap } from '../../core/control-plane/xds/bootstrap.js'
import { envoyBootstrap } from '../../core/control-plane/xds/envoy-bootstrap.js'
import { FairleadError } from '../../core/errors.js'
import { parseServiceName } from '../../core/model/service.js'
import { clientAddress, type ListenAddress, parseListen } from '../../core/net/listen-address.js'

export default class ServeBootstrap extends BaseCommand<typeof ServeBootstrap> {
  static override summary = 'Print what an xDS client has to know to ask `serve --xds`'
  static override description = `For gRPC clients, what GRPC_XDS_BOOTSTRAP_CONFIG holds, or the file that GRPC_XDS_BOOTSTRAP names; they then dial
xds:///SERVICE. With --envoy, a configuration for Envoy: it listens where --listen says, and has its routes, clusters and endpoints
from the server.`
  static override examples = [
    'A gRPC client\nGRPC_XDS_BOOTSTRAP_CONFIG=$(<%= config.bin %> serve bootstrap --server 127.0.0.1:18000) ./client xds:///greeter',
    'An Envoy\n<%= config.bin %> serve bootstrap --envoy --listen 127.0.0.1:8080=web > envoy.json && envoy -c envoy.json',
  ]
  static override flags = {
    'server': Flags.string({
      helpValue: 'HOST:PORT',
      default: '127.0.0.1:18000',
      description: 'where `serve --xds` is',
    }),
    'node-id': Flags.string({
      helpValue: 'ID',
      description: 'what the client calls itself there (default: name of this host)',
    }),
    'zone': Flags.string({ helpValue: 'ZONE', description: 'where the client is: servers of this zone come first' }),
    'tls': Flags.boolean({
      description: 'the server has TLS, by a certificate that this system trusts (Envoy: that --ca trusts)',
    }),
    'ca': Flags.string({
      helpValue: 'FILE',
      dependsOn: ['tls'],
      description: 'certificates that the server is trusted by instead (Go, C++, Python, Envoy)',
    }),
    'envoy': Flags.boolean({ description: 'for Envoy instead of gRPC clients' }),
    'listen': Flags.string({
      helpValue: 'LISTEN=SERVICE',
      multiple: true,
      dependsOn: ['envoy'],
      description: 'where Envoy listens for HTTP and gRPC, and for which service; repeatable',
    }),
    'admin': Flags.string({
      helpValue: 'HOST:PORT',
      dependsOn: ['envoy'],
      description: 'where Envoy has its admin endpoint',
    }),
    'delta': Flags.boolean({ dependsOn: ['envoy'], description: 'have Envoy ask for changes only' }),
  }

  async run() {
    const bootstrap = this.flags.envoy ? this.#envoy() : grpcBootstrap(this.#options())
    const text = JSON.stringify(bootstrap, undefined, 2)
    await this.print({ json: { bootstrap }, text, plain: [JSON.stringify(bootstrap)] })
  }

  #options() {
    const { 'node-id': nodeId, zone, tls, ca, server } = this.flags
    const trust = tls ? { ca: ca === undefined ? undefined : resolve(ca) } : undefined
    return { server: clientAddress(parseServer(server)), nodeId: nodeId || hostname(), zone, tls: trust }
  }

  #envoy(): object {
    const { admin, delta, listen = [] } = this.flags
    return envoyBootstrap({
      ...this.#options(),
      serverAddress: parseListen(this.#options().server),
      listeners: listen.map(parseListener),
      admin: admin === undefined ? undefined : parseListen(admin),
      delta,
    })
  }
}

function parseServer(text: string): ListenAddress {
  const hint = 'say where `serve --xds` listens, for example 127.0.0.1:18000'
  const address = parseListen(text, 'server address', hint)
  if (address.port > 0) return address
  throw new FairleadError('INVALID_ARGUMENT', `no server can be at ${text}: port 0 stands for any`, { hint })
}

function parseListener(text: string) {
  const end = text.lastIndexOf('=')
  if (end < 0) {
    throw new FairleadError('INVALID_ARGUMENT', `bad listener ${JSON.stringify(text)}: expected LISTEN=SERVICE`, {
      hint: 'write for example 127.0.0.1:8080=web',
    })
  }
  return { listen: parseListen(text.slice(0, end)), service: parseServiceName(text.slice(end + 1)) }
}
