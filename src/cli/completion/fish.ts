import { type CompletionCommand, type CompletionFlag, type CompletionModel, firstWords, type Values } from './model.js'

/** A completion script for fish 3.1 and newer. */
export function fishScript(model: CompletionModel): string {
  const { bin, commands, groups } = model
  const nested = groups.flatMap(({ children }) => children)
  return `# fish completion for ${bin}: ${bin} completion fish | source

set -g __${bin}_valued ${valuedFlags(commands).join(' ')}

# The words after the program up to the cursor, without flags and their values; "--" ends them.
function __${bin}_words
    set -l words (commandline -opc)
    set -e words[1]
    test "$words[1]" = help; and set -e words[1]
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case --
                echo -- $word
                return
            case '--*=*'
            case '-*'
                contains -- $word $__${bin}_valued; and set skip 1
            case '*'
                echo -- $word
        end
    end
end

# Whether the words are those of a command ($argv[2..]) and $argv[1] more, or any number where that is "any".
function __${bin}_at
    set -l words (__${bin}_words)
    set -l own (math (count $argv) - 1)
    test (count $words) -ge $own; or return 1
    contains -- -- $words; and return 1
    for i in (seq $own)
        test $words[$i] = $argv[(math $i + 1)]; or return 1
    end
    test $argv[1] = any; or test (math (count $words) - $own) = $argv[1]
end

# Whether the words go on behind "--", with a command of the user's.
function __${bin}_wrapped
    contains -- -- (__${bin}_words)
end

# Asks the registry that the line names for services, or for addresses of the line's service.
function __${bin}_ask
    set -l words (commandline -opc)
    $words[1] complete $argv[1] -- $words[2..-1] </dev/null 2>/dev/null
end

function __${bin}_targets
    set -l typed (string split -m 1 = -- (commandline -ct))
    test (count $typed) = 2; or return
    for service in (__${bin}_ask services)
        echo -- $typed[1]=$service
    end
end

complete -c ${bin} -f
complete -c ${bin} -n __${bin}_wrapped -F
${firstWords(model)
  .map(({ name, summary }) => offer(bin, '0', `-a ${name} -d ${quote(summary)}`))
  .join('\n')}
${offer(bin, '0', `-a help -d 'Show the help of a command'`)}
${nested.map(({ words: [topic, name], summary }) => offer(bin, `0 ${topic}`, `-a ${name} -d ${quote(summary)}`)).join('\n')}
${commands.flatMap((command) => commandLines(model, command)).join('\n')}
`
}

function commandLines({ bin, groups }: CompletionModel, { words, args, flags }: CompletionCommand): string[] {
  const path = words.join(' ')
  const children = words.length > 1 ? [] : (groups.find(({ name }) => name === words[0])?.children ?? [])
  const others = children.map((child) => `; and not __${bin}_at any ${child.words.join(' ')}`).join('')
  return [
    ...args.flatMap(({ values, repeats }, i) => {
      const what = argumentValues(bin, values)
      return what === undefined ? [] : [offer(bin, `${repeats ? 'any' : i} ${path}`, what)]
    }),
    ...flags.map((flag) => offer(bin, `any ${path}${others}`, flagOptions(flag))),
  ]
}

function offer(bin: string, at: string, what: string): string {
  return `complete -c ${bin} -n '__${bin}_at ${at}' ${what}`
}

function argumentValues(bin: string, values: Values): string | undefined {
  switch (values.kind) {
    case 'words':
      return `-a ${quote(values.words.join(' '))}`
    case 'services':
    case 'addresses':
      return `-a '(__${bin}_ask ${values.kind})'`
    case 'targets':
      return `-a '(__${bin}_targets)'`
    case 'files':
      return '-F'
    case 'text':
      return undefined
  }
}

function flagOptions({ name, char, summary, values }: CompletionFlag): string {
  const names = `-l ${name}${char === undefined ? '' : ` -s ${char}`} -d ${quote(summary)}`
  if (values === undefined) return names
  if (values.kind === 'words') return `${names} -x -a ${quote(values.words.join(' '))}`
  return values.kind === 'files' ? `${names} -r -F` : `${names} -x`
}

function valuedFlags(commands: readonly CompletionCommand[]): string[] {
  const valued = commands.flatMap(({ flags }) => flags).filter(({ values }) => values !== undefined)
  return [...new Set(valued.flatMap(({ name, char }) => [`--${name}`, ...(char === undefined ? [] : [`-${char}`])]))]
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
