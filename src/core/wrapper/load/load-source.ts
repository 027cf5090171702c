/** Where the load of an instance is read. */
export interface LoadSource {
  /**
   * The load since the call before, or now, 0–1; undefined where that cannot be told yet. Rejects with a reason that can be
   * shown.
   */
  sample(signal: AbortSignal): Promise<number | undefined>
}
