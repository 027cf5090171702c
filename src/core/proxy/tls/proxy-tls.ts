import type { SecureContext } from 'node:tls'
import type { Endpoint } from '../../model/endpoint.js'
import type { Clock } from '../../runtime.js'
import type { ProxyEvent } from '../events.js'
import type { ProxyOptions } from '../options.js'
import type { DestinationTls } from '../transport/transport.js'
import { KeptFiles } from '../../net/kept-files.js'
import { serverCredentials, type ServerCredentials, serverPaths } from '../../net/server-credentials.js'
import { contextOfAuthorities, systemContext, tlsNameOf } from './upstream-tls.js'

/** Everything a proxy knows about TLS, read from files and kept up to date. */
export class ProxyTls {
  readonly #server: KeptFiles<ServerCredentials> | undefined
  readonly #authorities: KeptFiles<SecureContext> | undefined
  readonly #system: SecureContext | undefined

  /** Reads the files. Rejects with INVALID_ARGUMENT or PERMISSION_DENIED naming the one that cannot be used. */
  static async open(
    { tls, upstreamTls }: Pick<ProxyOptions, 'tls' | 'upstreamTls'>,
    clock: Clock,
    emit: (event: ProxyEvent) => void,
  ): Promise<ProxyTls> {
    const keep = <T>(files: readonly string[], build: (contents: readonly Buffer[]) => T) =>
      KeptFiles.open(files, build, clock, {
        replaced: () => emit({ event: 'certificates', files }),
        refused: ({ message }) => emit({ event: 'certificates_refused', files, reason: message }),
      })
    const server = tls && (await keep(serverPaths(tls), (contents) => serverCredentials(tls, contents, clock.wall())))
    const caFile = upstreamTls?.caFile
    try {
      const authorities =
        caFile === undefined ? undefined : await keep([caFile], ([pem]) => contextOfAuthorities(caFile, pem!))
      return new ProxyTls(server, authorities, upstreamTls && !authorities ? systemContext() : undefined)
    } catch (error) {
      server?.close()
      throw error
    }
  }

  private constructor(
    server: KeptFiles<ServerCredentials> | undefined,
    authorities: KeptFiles<SecureContext> | undefined,
    system: SecureContext | undefined,
  ) {
    this.#server = server
    this.#authorities = authorities
    this.#system = system
  }

  /** What clients' TLS is ended with; undefined where clients speak in clear. Another object once the files have changed. */
  get server(): ServerCredentials | undefined {
    return this.#server?.current
  }

  /** How to speak TLS to an endpoint, offering the protocols `alpn`; undefined where endpoints are spoken to in clear. */
  destination(endpoint: Pick<Endpoint, 'host' | 'meta'>, alpn: readonly string[]): DestinationTls | undefined {
    const context = this.#authorities?.current ?? this.#system
    return context && { context, name: tlsNameOf(endpoint), alpn }
  }

  /** Looks at the files no more. Idempotent. */
  close(): void {
    this.#server?.close()
    this.#authorities?.close()
  }
}
