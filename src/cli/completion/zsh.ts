import type { CompletionArg, CompletionCommand, CompletionFlag, CompletionModel, Values } from './model.js'

/** A completion script for zsh: to be sourced after compinit, or put into a folder of $fpath as `_fairlead`. */
export function zshScript(model: CompletionModel): string {
  const { bin, commands, topics } = model
  const single = commands.filter(({ words }) => words.length === 1)
  const nested = topics.map(({ name }) => ({ name, own: commands.filter(({ words }) => words[0] === name) }))
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
${firstLines(single, topics).join('\n')}
  )
  _describe command commands
}
${nested.map(({ name, own }) => topicFunction(bin, name, own)).join('\n')}
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
${[...single.map(({ words }) => words[0]!), ...topics.map(({ name }) => name)].map((name) => `    ${name}) _${bin}_${name} ;;`).join('\n')}
  esac
}

# Sourced, it has to be made known; as a file of $fpath it is the function that is asked for.
if [[ $funcstack[1] == _${bin} ]]; then _${bin} "$@"; else compdef _${bin} ${bin}; fi
`
}

function firstLines(single: readonly CompletionCommand[], topics: CompletionModel['topics']): string[] {
  return [
    ...single.map(({ words, summary }) => described(words[0]!, summary)),
    ...topics.map(({ name, summary }) => described(name, summary)),
    described('help', 'Show the help of a command'),
  ]
}

function topicFunction(bin: string, topic: string, commands: readonly CompletionCommand[]): string {
  return `
_${bin}_${topic}() {
  local state
  local -a line commands
  commands=(
${commands.map(({ words, summary }) => described(words[1]!, summary)).join('\n')}
  )
  _arguments -C ': :{_describe command commands}' '*:: :->rest'
  [[ $state == rest ]] || return
  case $words[1] in
${commands.map(({ words }) => `    ${words[1]}) _${bin}_${words.join('_')} ;;`).join('\n')}
  esac
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

function described(name: string, summary: string): string {
  return `    ${quote(`${escapeColons(name)}:${summary}`)}`
}

function escapeColons(text: string): string {
  return text.replace(/[\\:]/g, '\\$&')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
