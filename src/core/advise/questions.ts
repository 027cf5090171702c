import type { Answers, Said, Topic } from './answers.js'
import { wayOf } from './way.js'

/** One thing to be known. */
export interface Question {
  readonly topic: Topic
  readonly ask: string
  /** Every answer, with what it means. */
  readonly choices: Readonly<Record<string, string>>
  /** What holds where nothing is said. Absent: it has to be said. */
  readonly otherwise?: string
  /** Whether it makes a difference, given the answers to the questions before. Absent: always. */
  readonly matters?: (answers: Answers) => boolean
}

export const QUESTIONS: readonly Question[] = [
  {
    topic: 'protocol',
    ask: 'What do clients speak?',
    choices: { grpc: 'gRPC', http: 'HTTP or WebSockets', tcp: 'anything else over TCP, such as a database' },
  },
  {
    topic: 'mesh',
    ask: 'Is there a service mesh already?',
    choices: { none: 'there is none', envoy: 'Envoy proxies', istio: 'Istio' },
    otherwise: 'none',
    matters: ({ protocol }) => protocol !== 'tcp',
  },
  {
    topic: 'clients',
    ask: 'How many clients are there?',
    choices: { few: 'each may keep a connection to every server', many: 'too many for that' },
    matters: isFree,
  },
  {
    topic: 'trust',
    ask: 'Whose are the clients?',
    choices: {
      trusted: 'yours, which may know the servers and read etcd',
      untrusted: 'those of others, or beyond a boundary',
    },
    matters: isFree,
  },
  {
    topic: 'traffic',
    ask: 'How much do they send?',
    choices: { low: 'what one proxy carries with ease', high: 'so much that a proxy in between would be dear' },
    otherwise: 'low',
    matters: (answers) => isFree(answers) && answers.protocol === 'grpc',
  },
  {
    topic: 'latency',
    ask: 'Does every hop count?',
    choices: { normal: 'one more does not matter', low: 'lowest latency, least resources' },
    otherwise: 'normal',
    matters: isFree,
  },
  {
    topic: 'language',
    ask: 'What are the clients written in?',
    choices: {
      any: 'several languages, or not known',
      node: 'Node.js',
      go: 'Go',
      other: 'Java, C++, Python, …',
    },
    otherwise: 'any',
    matters: (answers) => isFree(answers) && answers.protocol === 'grpc',
  },
  {
    topic: 'connections',
    ask: 'What do connections carry?',
    choices: { even: 'each carries much the same', varied: 'some carry far more than others, as those of gRPC do' },
    otherwise: 'even',
    matters: (answers) => answers.protocol !== 'tcp' && wayOf(answers).way === 'proxy',
  },
  {
    topic: 'affinity',
    ask: 'What has to reach the same server again?',
    choices: {
      none: 'nothing',
      cookie: 'a browser, by a session cookie',
      header: 'requests of one key, which a header names',
      address: 'connections from one address',
    },
    otherwise: 'none',
  },
  {
    topic: 'requests',
    ask: 'What do requests cost?',
    choices: { even: 'all cost much the same', uneven: 'some take far longer' },
    otherwise: 'even',
  },
  {
    topic: 'servers',
    ask: 'What are the servers like?',
    choices: { alike: 'of one size', mixed: 'of different size, or with other things to do' },
    otherwise: 'alike',
  },
]

/** No mesh decides. */
function isFree({ mesh }: Answers): boolean {
  return mesh === 'none'
}

/** The questions that matter and have no answer yet, in order: the first of them is certain to matter. */
export function openQuestions(said: Said): readonly Question[] {
  const answers = completed(said)
  return QUESTIONS.filter(({ topic, matters }) => said[topic] === undefined && (matters?.(answers) ?? true))
}

/** What has been said, and what holds otherwise. Where something had to be said and was not, the first choice stands. */
export function completed(said: Said): Answers {
  const pairs = QUESTIONS.map(({ topic, choices, otherwise }) => {
    return [topic, said[topic] ?? otherwise ?? Object.keys(choices)[0]!] as const
  })
  return Object.fromEntries(pairs) as unknown as Answers
}
