export interface ServerTrust {
  /** The file with the certificates that the server's is signed by; undefined: those that the client's system trusts. */
  readonly ca: string | undefined
}

/** What a gRPC client has to know to ask an xDS server. */
export interface BootstrapOptions {
  /** `host:port` of the xDS server. */
  readonly server: string
  /** What the client calls itself. */
  readonly nodeId: string
  /** Where the client is; endpoints of this zone come first. Undefined: nowhere in particular. */
  readonly zone: string | undefined
  /** How the server is known by its certificate; undefined: it is spoken to in plaintext. */
  readonly tls: ServerTrust | undefined
}

/** What gRPC's clients read from the file that GRPC_XDS_BOOTSTRAP names, or from GRPC_XDS_BOOTSTRAP_CONFIG (gRFC A27). */
export function grpcBootstrap({ server, nodeId, zone, tls }: BootstrapOptions): object {
  return {
    xds_servers: [
      {
        server_uri: server,
        channel_creds: channelCredentials(tls),
        server_features: ['xds_v3'],
      },
    ],
    // grpc-js does not take one without a locality.
    node: { id: nodeId, cluster: 'fairlead', locality: zone === undefined ? {} : { zone } },
  }
}

/** The first that a client knows counts; grpc-js and older clients do not know `tls` (gRFC A65). */
function channelCredentials(tls: ServerTrust | undefined): object[] {
  if (!tls) return [{ type: 'insecure' }]
  if (tls.ca !== undefined) return [{ type: 'tls', config: { ca_certificate_file: tls.ca } }]
  return [{ type: 'tls' }, { type: 'google_default' }]
}
