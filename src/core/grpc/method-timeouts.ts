/**
 * A service config whose time-outs of calls grpc-js reads right: it takes the digits after the point for a number of nanoseconds, "0.2s" for two
 * of them. With all nine digits both readings are one.
 */
export function withWholeTimeouts(config: object): object {
  const { methodConfig } = config as { readonly methodConfig?: unknown }
  return Array.isArray(methodConfig) ? { ...config, methodConfig: methodConfig.map(withWholeTimeout) } : config
}

function withWholeTimeout(method: unknown): unknown {
  const { timeout } = (method ?? {}) as { readonly timeout?: unknown }
  if (typeof timeout !== 'string') return method
  const whole = timeout.replace(/\.(\d+)s$/, (_, digits: string) => `.${digits.padEnd(9, '0')}s`)
  return { ...(method as object), timeout: whole }
}
