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
    choices: { grpc: 'gRPC', http: 'HTTP, WebSockets', tcp: 'anything else over TCP: a database, a broker' },
  },
  {
    topic: 'mesh',
    ask: 'Is there a service mesh already?',
    choices: { none: 'no', envoy: 'Envoy proxies', istio: 'Istio' },
    otherwise: 'none',
    matters: ({ protocol }) => protocol !== 'tcp',
  },
  {
    topic: 'clients',
    ask: 'How many clients are there?',
    choices: { few: 'few: each may keep a connection to every server', many: 'many' },
    matters: isFree,
  },
  {
    topic: 'trust',
    ask: 'Whose are the clients?',
    choices: { trusted: 'ours: they may know the servers and read etcd', untrusted: 'others’, or beyond a boundary' },
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
    choices: { normal: 'no', low: 'yes: lowest latency, least resources' },
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
    ask: 'Do connections carry much the same load?',
    choices: { even: 'yes', varied: 'no: some carry far more than others, as those of gRPC clients do' },
    otherwise: 'even',
    matters: (answers) => answers.protocol !== 'tcp' && wayOf(answers).way === 'proxy',
  },
  {
    topic: 'affinity',
    ask: 'What has to reach the same server again?',
    choices: {
      none: 'nothing',
      cookie: 'a browser: its session is kept by a cookie',
      header: 'requests of one key: a header names a user, a tenant, an entry of a cache',
      address: 'connections from one address',
    },
    otherwise: 'none',
  },
  {
    topic: 'requests',
    ask: 'Do requests cost much the same?',
    choices: { even: 'yes', uneven: 'no: some take far longer' },
    otherwise: 'even',
  },
  {
    topic: 'servers',
    ask: 'Are the servers alike?',
    choices: { alike: 'yes', mixed: 'no: they differ in size, or in what else they do' },
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
