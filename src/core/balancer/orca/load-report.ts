/**
 * What an endpoint says about its own load in a response (xds.data.orca.v3.OrcaLoadReport): the part that weights are
 * made of. Numbers are finite and not negative.
 */
export interface LoadReport {
  /** Requests per second that the endpoint serves, all its clients counted. */
  readonly rps: number
  /** Errors per second. */
  readonly eps: number
  /** CPU in use, as a share of what may be used; above 1 where more is in use than should be. 0: not said. */
  readonly cpuUtilization: number
  /** Utilization by the application's own measure, which goes before CPU (gRFC A58). 0: not said. */
  readonly applicationUtilization: number
}
