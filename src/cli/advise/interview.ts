import { createInterface } from 'node:readline'
import type { Said } from '../../core/advise/answers.js'
import { openQuestions, type Question } from '../../core/advise/questions.js'
import { FairleadError } from '../../core/errors.js'

/** Where questions are put and answers come from. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/**
 * Asks what is not said yet and makes a difference, one question after the other; an empty line takes the default. Returns all that
 * is said then. Throws INVALID_ARGUMENT when the input ends before that, and what `signal` aborts with.
 */
export async function interview(said: Said, { input, output }: Terminal, signal: AbortSignal): Promise<Said> {
  const answers: Record<string, string> = { ...said }
  // The terminal's own editing of lines does: Ctrl-C stays a signal.
  const reader = createInterface({ input, terminal: false, signal })
  const lines = reader[Symbol.asyncIterator]()
  try {
    for (let [question] = openQuestions(answers); question; [question] = openQuestions(answers)) {
      output.write(`${textOf(question)}\n`)
      let answer: string | undefined
      while (answer === undefined) {
        output.write(`${promptOf(question)}: `)
        const line = await lines.next()
        signal.throwIfAborted()
        if (line.done) throw missing(openQuestions(answers))
        answer = readAnswer(question, line.value)
        if (answer === undefined) output.write(`  one of ${Object.keys(question.choices).join(', ')}, or its number\n`)
      }
      answers[question.topic] = answer
    }
    output.write('\n')
    return answers
  } finally {
    reader.close()
  }
}

function textOf({ ask, choices }: Question): string {
  const width = Math.max(...Object.keys(choices).map((value) => value.length))
  const lines = Object.entries(choices).map(([value, meaning], i) => `  ${i + 1}  ${value.padEnd(width)}  ${meaning}`)
  return ['', ask, ...lines].join('\n')
}

function promptOf({ topic, otherwise }: Question): string {
  return otherwise === undefined ? topic : `${topic} [${otherwise}]`
}

/** A choice, its number, or the beginning of one alone; undefined for anything else. */
function readAnswer({ choices, otherwise }: Question, line: string): string | undefined {
  const text = line.trim().toLowerCase()
  if (text === '') return otherwise
  const values = Object.keys(choices)
  if (/^\d+$/.test(text)) return values[Number(text) - 1]
  const begun = values.filter((value) => value.startsWith(text))
  return values.includes(text) ? text : begun.length === 1 ? begun[0] : undefined
}

/** What has to be said and is not, as an error that names the flags. */
export function missing(open: readonly Question[]): FairleadError {
  const flags = open.map(({ topic, choices }) => `--${topic} ${Object.keys(choices).join('|')}`)
  return new FairleadError('INVALID_ARGUMENT', `not said: ${open.map(({ topic }) => `--${topic}`).join(', ')}`, {
    hint: `on a terminal it is asked for; elsewhere add ${flags.join(' ')}`,
  })
}
