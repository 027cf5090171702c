import { ServerCredentials } from '@grpc/grpc-js'
import type { FairleadError } from '../../errors.js'
import { KeptFiles } from '../../net/kept-files.js'
import {
  type ServerCredentials as Checked,
  serverCredentials,
  serverPaths,
  type TlsFiles,
} from '../../net/server-credentials.js'
import type { Clock } from '../../runtime.js'

/** What became of TLS files that changed. */
export type CertificatesEvent =
  /** What they say now counts for new connections. */
  | { readonly event: 'certificates'; readonly files: readonly string[] }
  /** They cannot be used: what they said before still counts. */
  | { readonly event: 'certificates_refused'; readonly files: readonly string[]; readonly reason: string }

/** A gRPC server's TLS, by files that are read again when they change. */
export class KeptCredentials {
  readonly credentials: ServerCredentials
  readonly #files: KeptFiles<Checked>

  /** Reads the files. Rejects with INVALID_ARGUMENT or PERMISSION_DENIED naming the one that cannot be used. */
  static async open(
    tls: TlsFiles,
    clock: Clock,
    onEvent: (event: CertificatesEvent) => void,
  ): Promise<KeptCredentials> {
    const paths = serverPaths(tls)
    const build = (contents: readonly Buffer[]) => serverCredentials(tls, contents, clock.wall())
    const files: KeptFiles<Checked> = await KeptFiles.open(paths, build, clock, {
      replaced: () => {
        credentials.renew(files.current)
        onEvent({ event: 'certificates', files: paths })
      },
      refused: ({ message }: FairleadError) =>
        onEvent({ event: 'certificates_refused', files: paths, reason: message }),
    })
    const credentials = new RenewableCredentials(files.current)
    return new KeptCredentials(credentials, files)
  }

  private constructor(credentials: ServerCredentials, files: KeptFiles<Checked>) {
    this.credentials = credentials
    this.#files = files
  }

  /** Looks at the files no more. Idempotent. */
  close(): void {
    this.#files.close()
  }
}

/** How long a client may take for its handshake, milliseconds. */
const HANDSHAKE_MS = 10_000

class RenewableCredentials extends ServerCredentials {
  constructor({ options, clientCertificates }: Checked) {
    const asked = { requestCert: clientCertificates, rejectUnauthorized: clientCertificates }
    super({ ...asked, handshakeTimeout: HANDSHAKE_MS }, options)
  }

  renew({ options }: Checked): void {
    this.updateSecureContextOptions(options)
  }

  _equals(other: ServerCredentials): boolean {
    return this === other
  }
}
