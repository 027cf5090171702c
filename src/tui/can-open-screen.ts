/** Whether there is a terminal to draw on and a keyboard to read from. In CI nobody looks, though there may be a terminal. */
export function canOpenScreen(): boolean {
  const { env, stdin, stdout } = process
  const isSet = (value: string | undefined) => value !== undefined && value !== '0' && value !== 'false'
  const isCi = isSet(env.CI) || isSet(env.CONTINUOUS_INTEGRATION)
  return Boolean(stdin.isTTY && stdout.isTTY) && env.TERM !== 'dumb' && !isCi
}
