/** etcd's default `--max-request-bytes`: what a request that changes something may take, encoded. */
export const MAX_REQUEST_BYTES = 1.5 * 1024 * 1024

/** etcd's limit on any message it receives, and on fragments it sends: the above and room for gRPC's own needs. */
export const MAX_MESSAGE_BYTES = MAX_REQUEST_BYTES + 512 * 1024
