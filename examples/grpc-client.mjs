// gRPC servers register, and a gRPC client balances over them by itself: no proxy. Needs nothing but Node.js: the registry is in memory.
import { credentials, makeGenericClientConstructor, Server, ServerCredentials } from '@grpc/grpc-js'
import { connect } from 'fairlead'
import { registerFairlead } from 'fairlead/grpc'
import { startRegistry } from 'fairlead/testing'

const json = { serialize: (value) => Buffer.from(JSON.stringify(value)), deserialize: (bytes) => JSON.parse(bytes) }
const Greeter = makeGenericClientConstructor({
  Greet: {
    path: '/example.Greeter/Greet',
    requestStream: false,
    responseStream: false,
    requestSerialize: json.serialize,
    requestDeserialize: json.deserialize,
    responseSerialize: json.serialize,
    responseDeserialize: json.deserialize,
  },
})

const registry = await startRegistry()
const fairlead = await connect({ endpoints: [registry.endpoint] })
const names = ['blue', 'green', 'red']
const servers = await Promise.all(names.map(startServer))
const registrations = await Promise.all(
  servers.map(({ address }, i) => fairlead.register('greeter', address, { weight: [1, 2, 6][i] })),
)
// Whoever resolves greeter takes its policy from here.
await fairlead.setServiceConfig('greeter', { loadBalancingConfig: [{ weighted_round_robin: {} }] })

// Once in a program; without options the registry is where FAIRLEAD_ENDPOINTS or ETCDCTL_ENDPOINTS say.
const grpc = registerFairlead({ endpoints: [registry.endpoint] })
const client = new Greeter('ns:///greeter', credentials.createInsecure())

await untilAllAnswer()
console.log(`900 calls: ${text(await ask(900))}`)
await registrations[2].close()
await untilGone('red')
console.log(`without red: ${text(await ask(900))}`)

client.close()
await grpc.close()
await fairlead.close()
await registry.close()
for (const { server } of servers) server.forceShutdown()

/** Calls, one after the other, and who answered how often. */
async function ask(calls) {
  const answers = Object.fromEntries(names.map((name) => [name, 0]))
  for (let i = 0; i < calls; i++) answers[await greet()]++
  return answers
}

function greet() {
  return new Promise((resolve, reject) => {
    client.Greet({ name: 'world' }, (error, answer) => (error ? reject(error) : resolve(answer.from)))
  })
}

/** The first connection that is there takes the first calls. */
async function untilAllAnswer() {
  const answered = new Set()
  while (answered.size < names.length) answered.add(await greet())
}

/** A few milliseconds. */
async function untilGone(name) {
  for (let others = 0; others < 20;) others = (await greet()) === name ? 0 : others + 1
}

function text(answers) {
  return Object.entries(answers)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}

function startServer(from) {
  const server = new Server()
  server.addService(Greeter.service, { Greet: (_call, done) => done(null, { from }) })
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error)
      else resolve({ server, address: `127.0.0.1:${port}` })
    })
  })
}
