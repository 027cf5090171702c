/** Whether there is a terminal to draw on and a keyboard to read from. Ink draws nothing where it sees CI. */
export function canOpenScreen(): boolean {
  const { env, stdin, stdout } = process
  return Boolean(stdin.isTTY && stdout.isTTY) && env.TERM !== 'dumb' && !env.CI
}
