import {
  type CompletionArg,
  type CompletionCommand,
  type CompletionFlag,
  type CompletionGroup,
  type CompletionModel,
  firstWords,
  type Values,
} from './model.js'

/** A completion script for zsh: to be sourced after compinit, or put into a folder of $fpath as `_fairlead`. */
export function zshScript(model: CompletionModel): string {
  const { bin, commands, groups } = model
  const first = firstWords(model)
  return `#compdef ${bin}
# zsh completion for ${bin}: source <(${bin} completion zsh)

# Asks the registry that the line names for services, or for addresses of the line's service.
_${bin}_ask() {
  local -a found
  found=("\${(@f)$("$_${bin}_program" complete $1 -- "\${_${bin}_line[@]}" < /dev/null 2> /dev/null)}")
  found=("\${(@)found:#}")
  compadd -a found
}

_${bin}_targets() {
  if compset -P 1 '*='; then _${bin}_ask services; else _message 'LISTEN=TARGET'; fi
}

_${bin}_commands() {
  local -a commands
  commands=(
${[...first, { name: 'help', summary: 'Show the help of a command' }].map(described).join('\n')}
  )
  _describe command commands
}
${groups.map((group) => groupFunction(bin, group)).join('\n')}
${commands.map((command) => commandFunction(bin, command)).join('\n')}

_${bin}() {
  local curcontext="$curcontext" state _${bin}_program="$words[1]"
  local -a line _${bin}_line
  typeset -A opt_args
  _${bin}_line=("\${(@)words[2,CURRENT-1]}")
  if [[ $words[2] == help ]] && ((CURRENT > 2)); then shift words; ((CURRENT--)); fi
  _arguments -C ': :_${bin}_commands' '*:: :->rest'
  [[ $state == rest ]] || return
  case $words[1] in
${first.map(({ name }) => `    ${name}) ${functionOf(model, name)} ;;`).join('\n')}
  esac
}

# Sourced, it has to be made known; as a file of $fpath it is the function that is asked for.
if [[ $funcstack[1] == _${bin} ]]; then _${bin} "$@"; else compdef _${bin} ${bin}; fi
`
}

function functionOf({ bin, groups }: CompletionModel, name: string): string {
  return groups.some((group) => group.name === name) ? `_${bin}_group_${name}` : `_${bin}_${name}`
}

/** Passes on to the command of two words where the second is there; else offers it, with what the first word takes by itself. */
function groupFunction(bin: string, { name, isCommand, children }: CompletionGroup): string {
  return `
_${bin}_group_${name}() {
  if ((CURRENT > 2)); then
    case $words[2] in
${children.map(({ words }) => `      ${words[1]}) shift words; ((CURRENT--)); _${bin}_${words.join('_')}; return ;;`).join('\n')}
    esac
  fi
  if ((CURRENT == 2)) && [[ $PREFIX != -* ]]; then
    local -a commands
    commands=(
${children.map(({ words, summary }) => described({ name: words[1]!, summary })).join('\n')}
    )
    _describe command commands
  ${
    isCommand
      ? `else _${bin}_${name}
  `
      : ''
  }fi
}`
}

function commandFunction(bin: string, { words, args, flags }: CompletionCommand): string {
  const specs = [...flags.map((flag) => flagSpec(bin, flag)), ...args.map((arg, i) => argSpec(bin, arg, i))]
  return `
_${bin}_${words.join('_')}() {
  _arguments -s -S \\
${specs.map((spec) => `    ${spec}`).join(' \\\n')}
}`
}

function flagSpec(bin: string, { name, char, summary, values, label, repeats }: CompletionFlag): string {
  const what = `[${summary.replace(/[[\]\\]/g, '\\$&')}]`
  const action = values === undefined ? '' : `:${escapeColons(label)}:${actionOf(bin, values)}`
  const [long, short] = values === undefined ? [`--${name}`, `-${char}`] : [`--${name}=`, `-${char}+`]
  if (char === undefined) return quote(`${repeats ? '*' : ''}${long}${what}${action}`)
  const exclusion = repeats ? quote('*') : quote(`(-${char} --${name})`)
  return `${exclusion}{${short},${long}}${quote(what + action)}`
}

function argSpec(bin: string, { name, values, repeats }: CompletionArg, i: number): string {
  return quote(`${repeats ? '*' : i + 1}:${escapeColons(name)}:${actionOf(bin, values)}`)
}

function actionOf(bin: string, values: Values): string {
  switch (values.kind) {
    case 'words': {
      const [whole, beginnings] = [values.words.filter((word) => !isBeginning(word)), values.words.filter(isBeginning)]
      if (beginnings.length === 0) return `(${whole.map(escapeColons).join(' ')})`
      const add = (words: readonly string[], options: string) =>
        words.length === 0 ? '' : `compadd ${options}-- ${words.map(escapeColons).join(' ')}; `
      return `{${add(whole, '')}${add(beginnings, "-S '' ")}}`
    }
    case 'files':
      return '_files'
    case 'services':
    case 'addresses':
      return `{_${bin}_ask ${values.kind}}`
    case 'targets':
      return `_${bin}_targets`
    case 'text':
      return ' '
  }
}

function isBeginning(word: string): boolean {
  return /[:=/]$/.test(word)
}

function described({ name, summary }: { readonly name: string; readonly summary: string }): string {
  return `    ${quote(`${escapeColons(name)}:${summary}`)}`
}

function escapeColons(text: string): string {
  return text.replace(/[\\:]/g, '\\$&')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
