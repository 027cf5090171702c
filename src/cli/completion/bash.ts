import { type CompletionCommand, type CompletionGroup, type CompletionModel, firstWords, type Values } from './model.js'

/** A completion script for bash 3.2 and newer, which needs no bash-completion. */
export function bashScript(model: CompletionModel): string {
  const { bin } = model
  const common = commonWords(model)
  return `# bash completion for ${bin}: source <(${bin} completion bash)

# Sets spec to what can stand behind a flag ("COMMAND --flag"); nothing for a switch.
__${bin}_flag() {
  case "$1" in
${cases(flagPatterns(model))}
    *) spec='' ;;
  esac
}

# Sets spec to what can stand at a place ("COMMAND 0" for the first argument).
__${bin}_argument() {
  case "$1" in
${cases(argumentPatterns(model))}
    *) spec='text' ;;
  esac
}

# Sets spec to the flags of a command.
__${bin}_flags() {
  case "$1" in
${ownFlags(model, common)}
    *) spec='words' ;;
  esac
  spec+=${quote([''].concat(common).join(' '))}
}

# Offers each line of $1 that goes on from what was typed.
__${bin}_offer() {
  local breaks='' cut='' candidate
  # Readline puts in place only what follows the last of these.
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
  if [[ -n $breaks && $cur == *[$breaks]* ]]; then cut="\${cur%"\${cur##*[$breaks]}"}"; fi
  while IFS= read -r candidate; do
    if [[ -n $candidate && $prefix$candidate == "$cur"* ]]; then
      candidate="$prefix$candidate"
      COMPREPLY+=("\${candidate#"$cut"}")
    fi
  done <<< "$1"
  case "\${COMPREPLY[*]-}" in *[=:/]) compopt -o nospace 2> /dev/null ;; esac
}

# Offers what spec says.
__${bin}_complete() {
  local kind="\${spec%% *}"
  case "$kind" in
    words) __${bin}_offer "$(printf '%s\\n' \${spec#words })" ;;
    services | addresses) __${bin}_offer "$("\${words[0]}" complete "$kind" -- "\${words[@]:1}" < /dev/null 2> /dev/null)" ;;
    targets)
      if [[ $cur == *=* ]]; then
        prefix="\${cur%%=*}="
        __${bin}_offer "$("\${words[0]}" complete services -- "\${words[@]:1}" < /dev/null 2> /dev/null)"
      fi ;;
    files)
      compopt -o filenames 2> /dev/null
      __${bin}_offer "$(compgen -f -- "\${cur#"$prefix"}")" ;;
  esac
}

_${bin}() {
  COMPREPLY=()
  local IFS=$' \\t\\n' line="\${COMP_LINE:0:COMP_POINT}" cur='' prefix='' spec='' flag='' command first=2 position=0 i
  local -a words
  read -r -a words <<< "$line"
  if [[ $line != *[[:space:]] ]]; then
    cur="\${words[\${#words[@]}-1]}"
    unset "words[\${#words[@]}-1]"
  fi
  if [[ \${words[1]-} == help ]]; then words=("\${words[0]}" "\${words[@]:2}"); fi
  command="\${words[1]-}"
  case "$command" in
    '') spec=${quote(wordsSpec([...firstWords(model).map(({ name }) => name), 'help']))} ;;
${model.groups.map(groupCase).join('\n')}
  esac
  if [[ -n $spec ]]; then __${bin}_complete; return; fi
  for ((i = first; i < \${#words[@]}; i++)); do
    flag=''
    case "\${words[i]}" in
      --) __${bin}_wrapped; return ;;
      --*=*) ;;
      -*)
        __${bin}_flag "$command \${words[i]}"
        if [[ -n $spec ]]; then flag="\${words[i]}"; ((i++)); fi ;;
      *) ((position++)) ;;
    esac
  done
  # The last flag has its value already.
  if ((i == \${#words[@]})); then flag=''; fi
  if [[ -n $flag ]]; then __${bin}_flag "$command $flag"
  elif [[ $cur == --*=* ]]; then
    prefix="\${cur%%=*}="
    __${bin}_flag "$command \${cur%%=*}"
  elif [[ $cur == -* ]]; then __${bin}_flags "$command"
  else __${bin}_argument "$command $position"
  fi
  __${bin}_complete
}

# Behind -- stands a command of the user's.
__${bin}_wrapped() {
  local found
  compopt -o filenames 2> /dev/null
  if [[ \${words[\${#words[@]}-1]} == -- && $cur != */* ]]; then found="$(compgen -c -- "$cur")"
  else found="$(compgen -f -- "$cur")"
  fi
  __${bin}_offer "$found"
}

complete -F _${bin} ${bin}
`
}

/** The words of a group belong together where the second is there; where it is to come, it is offered. */
function groupCase({ name, children }: CompletionGroup): string {
  const seconds = children.map(({ words }) => words[1]!)
  return `    ${name})
      case "\${words[2]-}" in
        ${seconds.join(' | ')}) command="${name} \${words[2]}" first=3 ;;
        '') if [[ $cur != -* ]]; then spec=${quote(wordsSpec(seconds))}; fi ;;
      esac ;;`
}

/** Patterns by spec. A flag that is the same in every command that has it needs one pattern. */
function flagPatterns({ commands }: CompletionModel): ReadonlyMap<string, readonly string[]> {
  const byFlag = new Map<string, Map<string, string>>()
  for (const command of commands) {
    for (const { name, char, values } of command.flags) {
      for (const word of [`--${name}`, ...(char === undefined ? [] : [`-${char}`])]) {
        const specs = byFlag.get(word) ?? new Map<string, string>()
        byFlag.set(word, specs.set(path(command), values === undefined ? '' : specOf(values)))
      }
    }
  }
  return bySpec(
    [...byFlag].flatMap(([word, specs]): [string, string][] => {
      const different = [...new Set(specs.values())]
      if (different.length === 1) return [[different[0]!, `*${quote(` ${word}`)}`]]
      return [...specs].map(([command, spec]) => [spec, quote(`${command} ${word}`)])
    }),
  )
}

function argumentPatterns({ commands }: CompletionModel): ReadonlyMap<string, readonly string[]> {
  return bySpec(
    commands.flatMap((command) =>
      command.args.map(({ values, repeats }, i): [string, string] => [
        specOf(values),
        repeats ? `${quote(`${path(command)} `)}*` : quote(`${path(command)} ${i}`),
      ]),
    ),
  )
}

function bySpec(pairs: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const grouped = new Map<string, string[]>()
  for (const [spec, pattern] of pairs) grouped.set(spec, [...(grouped.get(spec) ?? []), pattern])
  grouped.delete('')
  return grouped
}

function cases(patterns: ReadonlyMap<string, readonly string[]>): string {
  return [...patterns].map(([spec, list]) => `    ${list.join(' | ')}) spec=${quote(spec)} ;;`).join('\n')
}

/** The flags that every command has. */
function commonWords({ commands }: CompletionModel): string[] {
  const all = commands.map(flagWords)
  return all[0]?.filter((word) => all.every((words) => words.includes(word))) ?? []
}

function ownFlags({ commands }: CompletionModel, common: readonly string[]): string {
  return commands
    .map((command) => [path(command), flagWords(command).filter((word) => !common.includes(word))] as const)
    .filter(([, own]) => own.length > 0)
    .map(([name, own]) => `    ${quote(name)}) spec=${quote(wordsSpec(own))} ;;`)
    .join('\n')
}

function flagWords({ flags }: CompletionCommand): string[] {
  return flags.map(({ name }) => `--${name}`)
}

function specOf(values: Values): string {
  return values.kind === 'words' ? wordsSpec(values.words) : values.kind
}

function wordsSpec(words: readonly string[]): string {
  return `words ${words.join(' ')}`
}

function path({ words }: CompletionCommand): string {
  return words.join(' ')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
