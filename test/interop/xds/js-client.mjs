/** Calls a target without pause and says on demand how the calls went: see the Go program beside this one. */
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { register } from '@grpc/grpc-js-xds'

const METHOD = '/fairlead.test.Who/Ask'
const WORKERS = 4
const CALL_TIMEOUT_MS = 20_000

register()
const [target, waitForReady] = process.argv.slice(2)
const client = new Client(target, credentials.createInsecure())
const bytes = (value) => value
let counts = {}
let errors = []

for (let user = 0; user < WORKERS; user++) void work(String(user))

const lines = createInterface({ input: process.stdin })
lines.on('line', () => {
  process.stdout.write(`${JSON.stringify({ counts, errors })}\n`)
  counts = {}
  errors = []
})
lines.on('close', () => process.exit())

async function work(user) {
  for (;;) {
    try {
      const name = await ask(user)
      counts[name] = (counts[name] ?? 0) + 1
    } catch (error) {
      errors.push(error.message)
    }
    await pause(2)
  }
}

function ask(user) {
  const metadata = new Metadata({ waitForReady: waitForReady !== undefined })
  metadata.set('user', user)
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + CALL_TIMEOUT_MS }
    client.makeUnaryRequest(METHOD, bytes, bytes, Buffer.alloc(0), metadata, options, (error, response) =>
      error ? reject(error) : resolve(response.toString()),
    )
  })
}
