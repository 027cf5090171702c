import { type ChannelOptions, experimental } from '@grpc/grpc-js'

/** Whether two sets of options ask for the same connections: attributes that are for policies only do not count. */
export function sameConnectionOptions(a: ChannelOptions, b: ChannelOptions): boolean {
  const [names, others] = [namesOf(a), namesOf(b)]
  return names.length === others.length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
}

function namesOf(options: ChannelOptions): string[] {
  return Object.keys(options).filter((name) => !name.startsWith(experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX))
}
