import { Flags } from '@oclif/core'
import type { Said } from '../../core/advise/answers.js'
import { type Question, QUESTIONS } from '../../core/advise/questions.js'

/** A flag for each question, with its answers. */
export const adviseFlags = {
  protocol: answerFlag('protocol'),
  mesh: answerFlag('mesh'),
  clients: answerFlag('clients'),
  trust: answerFlag('trust'),
  traffic: answerFlag('traffic'),
  latency: answerFlag('latency'),
  language: answerFlag('language'),
  connections: answerFlag('connections'),
  affinity: answerFlag('affinity'),
  requests: answerFlag('requests'),
  servers: answerFlag('servers'),
} as const satisfies Readonly<Record<keyof Required<Said>, unknown>>

function answerFlag(topic: Question['topic']) {
  const { ask, choices, otherwise } = QUESTIONS.find((question) => question.topic === topic)!
  const answers = Object.entries(choices).map(([value, meaning]) => `${value}: ${meaning}`)
  const fallback = otherwise === undefined ? '' : ` [default: ${otherwise}]`
  return Flags.option({
    options: Object.keys(choices),
    helpGroup: 'ANSWER',
    description: `${ask} ${answers.join('; ')}${fallback}`,
  })()
}
