/**
 * The simple commands of a line of shell, as words: split at pipes, lists and parentheses, redirections left out. Knows quotes; no
 * expansions, which stay as they are.
 */
export function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]]
  let isTarget = false
  for (const [token] of line.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\|&;<>()])+|[|&;<>()]/g)) {
    if (/^[<>]$/.test(token)) isTarget = true
    else if (/^[|&;()]$/.test(token)) {
      commands.push([])
      isTarget = false
    } else if (isTarget) isTarget = false
    else commands.at(-1)!.push(unquoted(token))
  }
  return commands.filter((words) => words.length > 0)
}

function unquoted(token: string): string {
  return token.replace(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
    (_, single?: string, double?: string, escaped?: string) => {
      return single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped!
    },
  )
}
