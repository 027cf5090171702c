/** Prints the manual page, made of oclif's manifest: `node scripts/man-page.mjs > docs/fairlead.1`. */
import { readFileSync } from 'node:fs'
import { register } from 'tsx/esm/api'
import { bold, definition, escaped, paragraphs, quoted, section, subsection, verbatim } from './roff.mjs'

register()
const { EXIT_STATUSES, WRAPPED_STATUSES } = await import('../src/cli/exit-statuses.ts')
const { ETCDCTL_HAS } = await import('../src/core/library/setting-sources.ts')

const read = (file) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
const { name: bin, version, description } = read('package.json')
const commands = Object.values(read('oclif.manifest.json').commands)
  .filter(({ hidden }) => hidden !== true)
  .sort((a, b) => (a.id < b.id ? -1 : 1))
const isCommon = ({ helpGroup }) => helpGroup === 'REGISTRY' || helpGroup === 'OUTPUT'
/** What every command takes, by name. */
const common = Object.values(commands[0].flags).filter(
  (flag) => isCommon(flag) && commands.every(({ flags }) => flag.name in flags),
)
const isOwn = ({ name, hidden }) => hidden !== true && !common.some((flag) => flag.name === name)

process.stdout.write(
  `${[
    `.TH ${quoted(bin.toUpperCase())} 1 "" ${quoted(`${bin} ${version}`)} "User Commands"`,
    '.nh',
    '.ad l',
    section('NAME'),
    escaped(`${bin} - ${description[0].toLowerCase()}${description.slice(1)}`),
    section('SYNOPSIS'),
    `${bold(bin)} \\fICOMMAND\\fR [\\fIARGUMENTS\\fR] [\\fIFLAGS\\fR]`,
    '.br',
    `${bold(`${bin} help`)} \\fICOMMAND\\fR`,
    '.br',
    bold(`${bin} --version`),
    section('DESCRIPTION'),
    ...paragraphs(
      'Data goes to stdout, everything else to stderr. Durations are written 500ms, 10s or 2m. A flag wins over FAIRLEAD_*, that over ' +
        'ETCDCTL_*, that over the file named by --config, that over the default.',
    ),
    section('COMMANDS'),
    ...commands.flatMap(commandPage),
    section('COMMON FLAGS'),
    'Every command takes these.',
    ...common.flatMap(flagDefinition),
    section('EXIT STATUS'),
    ...EXIT_STATUSES.flatMap(([status, meaning]) => definition(bold(status), meaning)),
    '.PP',
    escaped(`With ${bin} register -- COMMAND also:`),
    ...WRAPPED_STATUSES.flatMap(([status, meaning]) => definition(bold(status), meaning)),
    section('ENVIRONMENT'),
    ...definition(
      bold('FAIRLEAD_ENDPOINTS, FAIRLEAD_PREFIX, …'),
      'Each common flag that takes a value or is a switch, in upper case, with _ for -. FAIRLEAD_PASSWORD is the password itself.',
    ),
    ...definition(
      bold('ETCDCTL_ENDPOINTS, …'),
      `The same of etcdctl, for ${[...ETCDCTL_HAS].join(', ')}. ETCDCTL_USER may be name:password.`,
    ),
    ...definition(bold('NO_COLOR, FORCE_COLOR'), 'Leave colours out, or write them where stdout is no terminal.'),
    ...definition(bold('GITHUB_STEP_SUMMARY'), 'The file that --annotate github appends tables to.'),
    section('SEE ALSO'),
    `${bold('etcd')}(1), ${bold('etcdctl')}(1)`,
  ].join('\n')}\n`,
)

function commandPage({ id, summary, description: more, args, flags, examples, takesChildCommand }) {
  const words = [bin, ...id.split(':')].join(' ')
  const places = Object.values(args).map(argumentLabel)
  const required = Object.values(flags).filter((flag) => flag.required === true)
  const usage = [
    ...places,
    ...required.map((flag) => escaped(`--${flag.name} ${flag.helpValue ?? 'VALUE'}`)),
    ...(Object.values(flags).some(isOwn) ? ['[FLAGS]'] : []),
    ...(takesChildCommand ? [escaped('[-- COMMAND ARGS…]')] : []),
  ]
  return [
    subsection(words),
    `${bold(words)} ${usage.join(' ')}`,
    ...paragraphs(`${summary}.`),
    ...(more ? paragraphs(more) : []),
    ...Object.values(args).flatMap((arg) => definition(`\\fI${escaped(arg.name.toUpperCase())}\\fR`, valued(arg))),
    ...Object.values(flags).filter(isOwn).flatMap(flagDefinition),
    ...examples.flatMap(example),
  ]
}

function argumentLabel({ name, required, multiple }) {
  const label = `\\fI${escaped(name.toUpperCase() + (multiple ? '…' : ''))}\\fR`
  return required ? label : `[${label}]`
}

function flagDefinition(flag) {
  const { name, char, type, helpValue, helpLabel, options } = flag
  if (helpLabel !== undefined) return definition(bold(helpLabel), valued(flag))
  const value = type === 'option' ? `=\\fI${escaped(options ? name.toUpperCase() : (helpValue ?? 'VALUE'))}\\fR` : ''
  return definition(`${char ? `${bold(`-${char}`)}, ` : ''}${bold(`--${name}`)}${value}`, valued(flag))
}

/** A description with the values there are and the one that counts without a choice. */
function valued({ description: text = '', options, default: fallback }) {
  const one = options ? `; one of ${options.join(', ')}` : ''
  const told = fallback === undefined || fallback === false ? '' : ` [default: ${fallback}]`
  return text + one + told
}

function example(text) {
  const lines = text.replaceAll('<%= config.bin %>', bin).split('\n')
  const isTitled = lines.length > 1
  return ['.PP', isTitled ? `${escaped(lines[0])}:` : 'Example:', ...verbatim(isTitled ? lines.slice(1) : lines)]
}
