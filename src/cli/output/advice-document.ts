import type { Advice } from '../../core/advise/advise.js'
import type { Document } from './document.js'

/** The answer of `advise`. Plain are the commands alone. */
export function adviceDocument(advice: Advice): Document {
  const { service, answers, way, layer, ...rest } = advice
  return {
    json: { service, answers, way, layer: layer ?? null, ...rest },
    text: textOf(advice),
    plain: advice.commands.map(({ command }) => command),
  }
}

function textOf({ summary, reasons, commands, clients, notes }: Advice): string {
  const list = (items: readonly string[]) => items.map((item) => `- ${item}`)
  const run = commands.flatMap(({ purpose, command }) => [`# ${purpose}`, `$ ${command}`])
  return [
    summary,
    ...section('Why', list(reasons)),
    ...section('What to run', run),
    ...section('What clients do', clients),
    ...section('What to know', list(notes)),
  ].join('\n')
}

function section(heading: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', heading, ...lines]
}
