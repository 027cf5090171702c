/** What happens to the services of a directory and may be worth telling. */
export type DirectoryEvent =
  /** The registry is away: what was known last counts. */
  | { readonly event: 'stale'; readonly reason: string }
  /** The registry is back. */
  | { readonly event: 'live' }
  | {
      readonly event: 'health'
      readonly service: string
      readonly address: string
      readonly health: 'healthy' | 'unhealthy' | 'ejected'
      /** Why it is not healthy; empty where it is. */
      readonly reason: string
    }
  /** So few endpoints are healthy that all are used, or no longer so. */
  | { readonly event: 'panic'; readonly service: string; readonly panic: boolean }
