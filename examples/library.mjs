// Registers two servers, balances over them and relays to them. Needs nothing but Node.js: the registry is in memory.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { connect } from 'fairlead'
import { startRegistry } from 'fairlead/testing'

const registry = await startRegistry()
const fairlead = await connect({ endpoints: [registry.endpoint] })

// A service registers its own address, and stays registered until it closes the registration.
const servers = await Promise.all(['blue', 'green'].map((color) => startServer(color)))
const registrations = await Promise.all(
  servers.map(({ address }, i) => fairlead.register('web', address, { weight: i + 1, meta: { build: String(i) } })),
)
const { endpoints } = await fairlead.resolve('web')
console.log(`web has ${endpoints.length} endpoints of weights ${endpoints.map(({ weight }) => weight).sort()}`)

// Balancing in the client: a pick is synchronous, and `done` tells how the request went.
const balancer = await fairlead.balance('web', { policy: 'weighted_round_robin' })
const answers = { blue: 0, green: 0 }
for (let i = 0; i < 30; i++) {
  const { endpoint, done } = balancer.pick({ key: `user-${i}` })
  const answer = await fetch(`http://${endpoint.address}/`)
  done({ ok: answer.ok })
  answers[await answer.text()]++
}
console.log(`30 requests: ${answers.blue} blue, ${answers.green} green`)

// The same for clients that know nothing of it: a TCP proxy in this process.
const proxy = await fairlead.proxy({ listen: 'tcp://127.0.0.1:0', service: 'web', policy: 'round_robin' })
const throughProxy = await fetch(proxy.listening[0].replace('tcp:', 'http:'))
console.log(`through the proxy: ${throughProxy.status}`)
await proxy.close()

// Whoever watches sees what happens.
for await (const event of fairlead.watch('web')) {
  if (event.type === 'snapshot') await registrations[0].close()
  if (event.type === 'delete') {
    console.log(`one left: ${event.reason}`)
    break
  }
}

await fairlead.close()
await registry.close()
for (const { server } of servers) {
  server.close()
  server.closeAllConnections()
}

async function startServer(color) {
  const server = createServer((_request, response) => response.end(color)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, address: `127.0.0.1:${server.address().port}` }
}
