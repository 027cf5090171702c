/** "In a gRPC client that uses xDS, only ADS is supported": further resources come by the same stream. */
export const ADS = { ads: {}, resource_api_version: 'V3' } as const
