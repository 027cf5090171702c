import { Chalk, type ChalkInstance } from 'chalk'

/**
 * A chalk that colours only where that was asked for or is wanted: `--no-color` and NO_COLOR (any value, no-color.org)
 * turn it off, FORCE_COLOR turns it on, else a terminal that is not `dumb` decides.
 */
export function chalkFor(stream: NodeJS.WriteStream, noColor: boolean, env: NodeJS.ProcessEnv): ChalkInstance {
  return new Chalk({ level: wantsColor(stream, noColor, env) ? 1 : 0 })
}

function wantsColor(stream: NodeJS.WriteStream, noColor: boolean, env: NodeJS.ProcessEnv): boolean {
  if (noColor || (env.NO_COLOR ?? '') !== '') return false
  const force = env.FORCE_COLOR
  if (force !== undefined) return force !== '0' && force !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}
