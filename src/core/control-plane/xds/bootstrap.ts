/** What a gRPC client has to know to ask an xDS server. */
export interface BootstrapOptions {
  /** `host:port` of the xDS server. */
  readonly server: string
  /** What the client calls itself. */
  readonly nodeId: string
  /** Where the client is; endpoints of this zone come first. Undefined: nowhere in particular. */
  readonly zone: string | undefined
  /** Whether the server is spoken to by TLS, and trusted by the system's certificates. */
  readonly tls: boolean
}

/** What gRPC's clients read from the file that GRPC_XDS_BOOTSTRAP names, or from GRPC_XDS_BOOTSTRAP_CONFIG (gRFC A27). */
export function grpcBootstrap({ server, nodeId, zone, tls }: BootstrapOptions): object {
  return {
    xds_servers: [
      {
        server_uri: server,
        // The first that a client knows counts; grpc-js and older clients do not know `tls` (gRFC A65).
        channel_creds: tls ? [{ type: 'tls' }, { type: 'google_default' }] : [{ type: 'insecure' }],
        server_features: ['xds_v3'],
      },
    ],
    // grpc-js does not take one without a locality.
    node: { id: nodeId, cluster: 'fairlead', locality: zone === undefined ? {} : { zone } },
  }
}
